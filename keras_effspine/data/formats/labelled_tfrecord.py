"""TFRecords of encoded pictures with a label each: `load_labelled_tfrecord`."""

import hashlib
import io
import os
import pathlib

from PIL import Image

from keras_effspine.cache_folder import cache_folder
from keras_effspine.data.checks import check_share
from keras_effspine.data.formats.record_index import SUFFIX, read_index, write_index
from keras_effspine.data.formats.tfrecord import read_tfrecords
from keras_effspine.data.images.orientation import upright_size
from keras_effspine.data.record import Problem, RecordSet, record_without_objects
from keras_effspine.errors import DataError

CLASSES_FILE = "classes.txt"

_FORMAT = "folder of labelled TFRecords"


def labelled_splits(folder: str | os.PathLike) -> tuple[str, ...]:
    """Names of the splits, as a tuple: what stands in the files' names before a hyphen."""
    return tuple(sorted({_split_of(path) for path in pathlib.Path(folder).glob("*.tfrecord")}))


def load_labelled_tfrecord(folder: str | os.PathLike, split: str) -> RecordSet:
    """Reads one split of a folder of TFRecords for classification.

    Each TFRecord is a `tf.train.Example` with the encoded picture in `image` and the number of its
    class, from 0, in `label`. A split lies in `<split>.tfrecord` or in several
    `<split>-*.tfrecord`; `classes.txt` has the name of a class in each line. The files are read
    through once, and an index with the labels and the places of the pictures is kept in the
    package's cache; the pictures stay where they are.

    Args:
        folder: path of the folder.
        split: name of the split.

    Returns:
        `RecordSet`; image ids count the split's pictures from 0.

    Raises:
        DataError: `classes.txt` cannot be used, there is no such split, a file is cut short, an
            example has no picture or no label of a class, or too many pictures cannot be used.
    """
    folder = pathlib.Path(folder)
    class_names = _class_names(folder / CLASSES_FILE)
    files = sorted(path for path in folder.glob("*.tfrecord") if _split_of(path) == split)
    if not files:
        there = ", ".join(labelled_splits(folder)) or "none"
        raise DataError(f"{folder}: there is no split '{split}'; there are: {there}.")
    index = _index_path(files, class_names)
    if index.is_file():
        try:
            return read_index(index, folder, _FORMAT, split)
        except DataError:
            pass  # of another version: it is made anew
    record_set = _scan(folder, files, class_names, split)
    write_index(index, record_set, folder)
    return record_set


def _split_of(path):
    return path.stem.partition("-")[0]


def _class_names(path):
    try:
        names = tuple(path.read_text(encoding="utf-8-sig").split("\n"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({error}).") from error
    names = tuple(name.strip() for name in names if name.strip())
    if not names:
        raise DataError(f"{path}: names no class; write the name of one in each line.")
    if len(set(names)) < len(names):
        repeated = next(name for name in names if names.count(name) > 1)
        raise DataError(f"{path}: the class '{repeated}' is named twice.")
    return names


def _index_path(files, class_names):
    stats = [(str(file.absolute()), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    key = hashlib.sha256(repr((stats, class_names)).encode("utf-8", "surrogatepass"))
    name = f"{files[0].parent.absolute().name}-{_split_of(files[0])}-{key.hexdigest()[:16]}{SUFFIX}"
    return cache_folder() / "labelled" / name


def _scan(folder, files, class_names, split):
    records, problems, number = [], [], 0
    for path in files:
        for position, (start, content) in enumerate(read_tfrecords(path)):
            where = f"{path}, record {position}"
            encoded, label = _image_and_label(content, where, len(class_names))
            try:
                with Image.open(io.BytesIO(encoded)) as image:
                    width, height = upright_size(image)
            except Exception:  # Pillow raises whatever a broken picture leads it to
                problems.append(Problem("image header unreadable", where, "skipped"))
            else:
                records.append(
                    record_without_objects(
                        image_id=number,
                        path=path,
                        width=width,
                        height=height,
                        image_label=label,
                        offset=start + content.index(encoded),
                        length=len(encoded),
                        name=f"{split}-{number:06d}.{image.format.lower()}",
                    )
                )
            number += 1
    check_share(str(folder), problems, number)
    return RecordSet(
        records=tuple(records),
        class_names=class_names,
        category_ids=tuple(range(len(class_names))),
        source=str(folder),
        problems=tuple(problems),
        format=_FORMAT,
        split=split,
    )


def _image_and_label(content, where, classes):
    import tensorflow as tf  # an index is read without it
    from google.protobuf.message import DecodeError

    try:
        features = tf.train.Example.FromString(content).features.feature
    except DecodeError as error:
        raise DataError(f"{where}: is no tf.train.Example ({error}).") from error
    images, labels = features["image"].bytes_list.value, features["label"].int64_list.value
    if len(images) != 1 or len(labels) != 1:
        raise DataError(
            f"{where}: needs one encoded picture in 'image' and one whole number in 'label'; it "
            f"has the features {', '.join(sorted(k for k in features if features[k].ByteSize()))}."
        )
    if not 0 <= labels[0] < classes:
        raise DataError(
            f"{where}: the label {labels[0]} is none of the {classes} classes of {CLASSES_FILE}, "
            f"which are numbered 0 to {classes - 1}."
        )
    return images[0], labels[0]
