"""The package's own shards of TFRecords with an index: `load_tfrecord` and `save_tfrecord`."""

import dataclasses
import json
import os
import pathlib
import struct
from collections.abc import Iterator

import numpy as np

from keras_effspine.data.formats.record_index import SUFFIX, read_index, write_index
from keras_effspine.data.images.image_bytes import read_image_bytes
from keras_effspine.data.record import RecordSet
from keras_effspine.errors import DataError
from keras_effspine.validation import reason

SHARD_BYTES = 256 * 2**20
"""Size from which on a shard is full."""

HEAD, TAIL = 12, 4
"""Bytes of a TFRecord around its content: length (8) and checksum (4), and a checksum (4)."""


def read_tfrecords(path: str | os.PathLike) -> Iterator[tuple[int, bytes]]:
    """Yields the place of the content of each TFRecord of a file, and the content.

    Raises:
        DataError: the file is cut short.
    """
    with pathlib.Path(path).open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        while head := file.read(HEAD):
            length = struct.unpack("<Q", head[:8])[0] if len(head) == HEAD else size
            content = file.read(length + TAIL) if length < size else b""
            if len(content) < length + TAIL:
                raise DataError(f"{path}: the shard is cut short; prepare the data set again.")
            yield file.tell() - length - TAIL, content[:length]


def tfrecord_splits(folder: str | os.PathLike) -> tuple[str, ...]:
    """Names of the splits whose index is there, sorted, as a tuple."""
    return tuple(sorted(p.name.removesuffix(SUFFIX) for p in folder_indices(folder)))


def folder_indices(folder: str | os.PathLike) -> list[pathlib.Path]:
    """The index files of a folder."""
    return [p for p in pathlib.Path(folder).glob(f"*{SUFFIX}") if not p.name.startswith(".")]


def load_tfrecord(folder: str | os.PathLike, split: str) -> RecordSet:
    """Reads one split of a folder that `save_tfrecord` wrote.

    The index alone is read; the pictures are read from the shards when they are asked for.

    Args:
        folder: path of the folder.
        split: name of the split.

    Returns:
        `RecordSet` whose records are made when they are asked for.

    Raises:
        DataError: there is no such split, its index is broken or of another version, or a shard is
            missing or cut short.
    """
    path = pathlib.Path(folder) / f"{split}{SUFFIX}"
    if not path.is_file():
        there = ", ".join(tfrecord_splits(folder)) or "none"
        raise DataError(f"{folder}: there is no split '{split}'; there are: {there}.")
    return read_index(path, folder, "TFRecord cache", split)


def save_tfrecord(
    record_sets: dict[str, RecordSet], folder: str | os.PathLike, names: dict[str, list[str]]
) -> None:
    """Writes shards with pictures and annotations, and last the index of each split.

    Each TFRecord is a `tf.train.Example` with the keys of the TensorFlow Object Detection API, so
    that other programs can read the pictures and boxes; the index holds everything.

    Args:
        record_sets: dictionary from split to `RecordSet`.
        folder: path of the folder.
        names: dictionary from split to the list of the pictures' file names.

    Raises:
        DataError: a picture cannot be read, or a shard cannot be written.
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for split, record_set in record_sets.items():
        placed = list(_write_shards(record_set, folder, split, names[split]))
        write_index(
            folder / f"{split}{SUFFIX}",
            dataclasses.replace(record_set, records=tuple(placed), problems=()),
            folder,
        )


def _write_shards(record_set, folder, split, names):
    """Writes the shards; yields each record with its new place."""
    import tensorflow as tf  # reading does without

    try:
        yield from _placed(record_set, folder, split, names, tf.io.TFRecordWriter)
    except tf.errors.OpError as error:
        raise DataError(f"{folder}: a shard cannot be written ({reason(error)}).") from error


def _placed(record_set, folder, split, names, open_writer):
    writer, shard, position, count = None, None, 0, 0
    try:
        for record, name in zip(record_set.records, names, strict=True):
            if writer is None or position >= SHARD_BYTES:
                if writer is not None:
                    writer.close()
                shard, position = folder / f"{split}-{count:05d}.tfrecord", 0
                writer, count = open_writer(str(shard)), count + 1
            try:
                image = read_image_bytes(record)
            except OSError as error:
                raise DataError(f"Image {record.image_id!r}: cannot be read ({error}).") from error
            content = _example(record, name, image, record_set)
            writer.write(content)
            yield dataclasses.replace(
                record,
                path=shard,
                offset=position + HEAD + content.index(image),
                length=len(image),
                name=name,
            )
            position += HEAD + len(content) + TAIL
    finally:
        if writer is not None:
            writer.close()


def _example(record, name, image, record_set):
    size = np.array([record.width, record.height] * 2, "float64")
    corners = np.concatenate([record.boxes[:, :2], record.boxes[:, :2] + record.boxes[:, 2:]], 1)
    left, top, right, bottom = (corners / size).T
    class_names = [record_set.class_names[index].encode() for index in record.classes]
    features = {
        "image/encoded": [image],
        "image/filename": [name.encode("utf-8", "surrogateescape")],
        "image/source_id": [json.dumps(record.image_id, default=int).encode()],
        "image/width": [record.width],
        "image/height": [record.height],
        "image/object/bbox/xmin": left,
        "image/object/bbox/ymin": top,
        "image/object/bbox/xmax": right,
        "image/object/bbox/ymax": bottom,
        "image/object/class/label": record.classes,
        "image/object/class/text": class_names,
        "image/object/area": record.areas,
        "image/class/label": [] if record.image_label is None else [record.image_label],
        "image/object/is_crowd": record.is_crowd.astype("int64"),
    }
    import tensorflow as tf

    features = {key: _feature(tf.train, values) for key, values in features.items()}
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def _feature(train, values):
    values = list(values)
    if values and isinstance(values[0], bytes):
        return train.Feature(bytes_list=train.BytesList(value=values))
    if values and isinstance(values[0], (float, np.floating)):
        return train.Feature(float_list=train.FloatList(value=values))
    return train.Feature(int64_list=train.Int64List(value=values))
