"""Prepared data sets of TensorFlow Datasets with COCO's or VOC's feature names: `load_tfds`."""

import hashlib
import io
import os
import pathlib
import re

import numpy as np
import tensorflow_datasets as tfds
from google.protobuf import json_format
from PIL import Image
from tensorflow_datasets.core import read_only_builder

from keras_effspine.cache_folder import cache_folder
from keras_effspine.data.formats.boxes import fit_box
from keras_effspine.data.formats.record_index import SUFFIX, read_index, write_index
from keras_effspine.data.formats.tfrecord import read_tfrecords
from keras_effspine.data.record import Problem, Record, RecordSet, record_without_objects
from keras_effspine.errors import DataError

# Namespaces such as huggingface: and addresses such as gs:// would reach for the network.
_NAME = re.compile(r"\w+(/[\w.-]+)?(:\d+\.\d+\.\d+)?")


def open_prepared(name: str) -> tfds.core.DatasetBuilder:
    """Opens a data set that was prepared before; nothing is downloaded.

    Args:
        name: name such as `"coco/2017"`, looked for in `$TFDS_DATA_DIR`, or else
            `~/tensorflow_datasets`; or path of a folder that holds `dataset_info.json`.

    Returns:
        `tfds.core.DatasetBuilder`.

    Raises:
        DataError: it is not there, cannot be read, or has neither objects with boxes and labels
            nor a label.
    """
    folder = pathlib.Path(name)
    try:
        if (folder / "dataset_info.json").is_file():
            builder = tfds.builder_from_directory(str(folder))
        else:
            builder = _find(name)
        features = builder.info.features
    except (OSError, ValueError, KeyError, TypeError, json_format.ParseError) as error:
        if isinstance(error, DataError):
            raise
        reason = str(error).strip().partition("\n")[0]
        raise DataError(f"{name}: no readable TFDS data set ({reason:.200}).") from error
    if "image" not in features or not (_has_objects(features) or _has_label(features)):
        raise DataError(
            f"{name}: a detection data set has the features 'image' and 'objects' with 'bbox' and "
            "'label', as coco and voc, one for classification 'image' and the class 'label', as "
            f"imagenet2012; this one has {', '.join(sorted(features))}."
        )
    return builder


def load_tfds(name: str, split: str) -> RecordSet:
    """Reads one split of a prepared data set.

    The shards are read through once, and an index with annotations and the places of the pictures
    in them is kept in the package's cache; the pictures stay where they are. Boxes are float32
    shares of the picture there, which is precise to about a ten-thousandth of a pixel.

    Args:
        name: as in `open_prepared`.
        split: name of the split; `"val"` finds `"validation"` as well.

    Returns:
        `RecordSet`. Image ids are `image/id`, or else the stem of `image/filename`, or else the
        place; category ids are the labels. `is_difficult` becomes `is_crowd`, as in `load_voc`. Of
        a data set without objects `label` is the class of the picture.

    Raises:
        DataError: the data set cannot be used, has no such split, or a shard is cut short.
    """
    builder = open_prepared(name)
    there = list(builder.info.splits)
    if split == "val" and "val" not in there and "validation" in there:
        split = "validation"
    if split not in there:
        raise DataError(f"{name}: there is no split '{split}'; there are: {', '.join(there)}.")
    if builder.info.file_format is not tfds.core.FileFormat.TFRECORD:
        raise DataError(
            f"{name}: its files are {builder.info.file_format.value}; prepare it as tfrecord "
            "(download_and_prepare(file_format='tfrecord'), or the command `tfds convert_format`)."
        )
    index = _index_path(builder, split)
    if index.is_file():
        try:
            return read_index(index, builder.data_path, "TFDS data set", split)
        except DataError:
            pass  # of another version, or the data set was prepared again: it is made anew
    record_set = _scan(builder, name, split)
    write_index(index, record_set, builder.data_path)
    return record_set


def _find(name):
    data_dir = os.path.expanduser(os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets")
    if not _NAME.fullmatch(name):
        raise DataError(f"tfds:{name}: not a name such as tfds:coco/2017.")
    try:
        return read_only_builder.builder_from_files(name, data_dir=data_dir)
    except tfds.core.DatasetNotFoundError as error:
        prepared = pathlib.Path(data_dir)
        there = (
            sorted(p.name for p in prepared.iterdir() if p.is_dir()) if prepared.is_dir() else ()
        )
        raise DataError(
            f"tfds:{name}: no data set of this name is prepared in {data_dir}; there are: "
            f"{', '.join(there) or 'none'}. Prepare it (tfds build {name}), or set TFDS_DATA_DIR."
        ) from error


def _has_objects(features):
    try:
        objects = features["objects"]
        return {"bbox", "label"} <= set(objects.keys())
    except (KeyError, AttributeError):
        return False


def _has_label(features):
    return "label" in features and isinstance(features["label"], tfds.features.ClassLabel)


def _index_path(builder, split):
    described = (pathlib.Path(builder.data_path) / "dataset_info.json").read_bytes()
    key = hashlib.sha256(f"{pathlib.Path(builder.data_path).absolute()}".encode() + described)
    return cache_folder() / "tfds" / f"{builder.name}-{key.hexdigest()[:16]}-{split}{SUFFIX}"


def _scan(builder, name, split):
    features = builder.info.features
    label = features["objects"]["label"] if _has_objects(features) else features["label"]
    class_names = tuple(label.names or map(str, range(label.num_classes)))
    records, problems, first_id = [], [], 1
    decoders = {"image": tfds.decode.SkipDecoding()}
    for path in builder.info.splits[split].filepaths:
        for offset, content in read_tfrecords(path):
            example = builder.info.features.deserialize_example_np(content, decoders=decoders)
            place = offset + content.index(example["image"])
            record = _record(example, path, place, len(records), first_id, problems)
            records.append(record)
            first_id += len(record.boxes)
    wanted = builder.info.splits[split].num_examples
    if len(records) != wanted:
        raise DataError(
            f"{name}: the split '{split}' holds {len(records)} of {wanted} pictures; its shards "
            "are not complete: prepare it again."
        )
    ids = [record.image_id for record in records]
    if len(set(ids)) != len(ids):
        repeated = next(one for one in ids if ids.count(one) > 1)
        raise DataError(f"{name}: the image id {repeated!r} occurs twice in '{split}'.")
    return RecordSet(
        records=tuple(records),
        class_names=class_names,
        category_ids=tuple(range(len(class_names))),
        source=str(builder.data_path),
        problems=tuple(problems),
        format="TFDS data set",
        split=split,
    )


def _record(example, path, place, position, first_id, problems):
    name = example.get("image/filename", b"").decode("utf-8", "surrogateescape")
    image_id = example.get("image/id")
    if image_id is None:
        image_id = pathlib.PurePosixPath(name).stem or position
    try:
        with Image.open(io.BytesIO(example["image"])) as image:
            width, height = image.size
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{path}, image {image_id}: no readable picture ({error}).") from error
    place = {"offset": place, "length": len(example["image"])}
    name = name or f"{image_id}.{(image.format or 'png').lower()}"
    if "objects" not in example:
        return record_without_objects(
            image_id=image_id,
            path=pathlib.Path(path),
            width=width,
            height=height,
            image_label=int(example["label"]),
            name=name,
            **place,
        )
    objects = example["objects"]
    shares = np.asarray(objects["bbox"], "float64").reshape(-1, 4)
    top, left, bottom, right = shares.T * [[height], [width], [height], [width]]
    boxes = np.stack([left, top, right - left, bottom - top], axis=1)
    count = len(boxes)
    difficult = np.asarray(objects.get("is_difficult", [False] * count), "bool")
    truncated = np.asarray(objects.get("is_truncated", [False] * count), "bool")
    areas = np.asarray(objects.get("area", boxes[:, 2] * boxes[:, 3]), "float64")
    given_ids = objects.get("id", range(first_id, first_id + count))
    kept, fitted = [], []
    for index in range(count):
        box, kind, action = fit_box(boxes[index].tolist(), width, height)
        if kind:
            where = f"{pathlib.Path(path).name}, image {image_id}, object {index + 1}"
            problems.append(Problem(kind, where, action))
        if box is not None:
            kept.append(index)
            fitted.append(box)
    is_crowd = np.asarray(objects.get("is_crowd", [False] * count), "bool") | difficult
    return Record(
        image_id=int(image_id) if not isinstance(image_id, str) else image_id,
        path=pathlib.Path(path),
        width=width,
        height=height,
        boxes=np.array(fitted, "float64").reshape(-1, 4),
        classes=np.asarray(objects["label"], "int64").reshape(-1)[kept],
        areas=areas[kept],
        is_crowd=is_crowd[kept],
        annotation_ids=tuple(int(given_ids[index]) for index in kept),
        masks=(None,) * len(kept),
        attributes=tuple(
            _attributes(difficult[index], truncated[index], _pose(objects, index)) for index in kept
        ),
        name=name,
        **place,
    )


def _attributes(difficult, truncated, pose):
    said = {"difficult": bool(difficult), "truncated": bool(truncated)}
    pose = {"pose": pose} if pose and pose.lower() != "unspecified" else {}
    return {name: value for name, value in said.items() if value} | pose


def _pose(objects, index):
    if "pose" not in objects:
        return None
    pose = objects["pose"][index]
    return pose.decode("utf-8", "replace") if isinstance(pose, bytes) else str(pose)
