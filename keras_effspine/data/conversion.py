"""From any format into any other, as a folder that stands alone."""

import contextlib
import os
import pathlib

from keras_effspine.atomic_file import whole_folder
from keras_effspine.data.format_losses import left_out
from keras_effspine.data.format_writers import IMAGE_FOLDERS, WRITERS
from keras_effspine.data.images.image_bytes import read_image_bytes
from keras_effspine.data.record import RecordSet
from keras_effspine.data.record_columns import image_labels
from keras_effspine.data.written_names import NAMING, file_names
from keras_effspine.errors import DataError

TARGETS = tuple(WRITERS)


def convert(
    record_sets: dict[str, RecordSet],
    target: str,
    folder: str | os.PathLike,
    link: bool = False,
    predicted: bool = False,
) -> list[str]:
    """Writes a data set in another format, with its pictures.

    The folder appears whole or not at all. `"coco"` makes `<split>.json` and `images`; `"voc"`
    `Annotations`, `JPEGImages` and `ImageSets/Main`; `"yolo"` `data.yaml`, `images/<split>` and
    `labels/<split>`; `"cvat"` `annotations.xml` and `images`, `"label-studio"` `tasks.json`,
    `label_config.xml` and `images`, in a folder a split where there are several; `"tfrecord"`
    shards with pictures and annotations and an index a split.

    Args:
        record_sets: dictionary from split to `RecordSet`; all have the same classes.
        target: one of `TARGETS`.
        folder: path of the folder to make; it may exist if it is empty.
        link: whether picture files are hard links to the originals, where the disk allows it,
            instead of copies.
        predicted: whether a model has said it, and not a person; CVAT and Label Studio tell these
            apart.

    Returns:
        List of lines that say what the format could not hold, counted by kind.

    Raises:
        DataError: the folder is not empty or cannot be written, the splits differ in their
            classes, or something cannot be written in the format.
    """
    folder = check_target(target, folder)
    _check_classes(record_sets)
    if target != "tfrecord":
        _refuse_labelled(record_sets, target)
    names = NAMING[target](file_names(record_sets))
    try:
        with whole_folder(folder) as part:
            if target != "tfrecord":
                _write_images(record_sets, target, part, names, link)
            WRITERS[target](record_sets, part, names, folder.name, predicted)
    except OSError as error:
        raise DataError(f"{folder}: cannot be written ({error}).") from error
    return left_out(record_sets, target, predicted)


def check_target(target: str, folder: str | os.PathLike) -> pathlib.Path:
    """The absolute path of the folder that `convert` would write.

    Raises:
        DataError: it is not empty, or the format is not known.
    """
    if target not in TARGETS:
        raise DataError(f"{target}: no known format; choose one of {', '.join(TARGETS)}.")
    path = pathlib.Path(os.path.abspath(folder))
    if path.is_file() or (path.is_dir() and any(path.iterdir())):
        raise DataError(f"{path}: exists and is not empty; name a new folder.")
    return path


def _check_classes(record_sets):
    first = next(iter(record_sets.values()))
    for split, record_set in record_sets.items():
        if record_set.class_names != first.class_names:
            raise DataError(
                f"{record_set.source}: the split '{split}' has other classes than "
                f"'{first.split}'; convert one at a time (--split)."
            )


def _refuse_labelled(record_sets, target):
    for record_set in record_sets.values():
        if (image_labels(record_set.records) >= 0).any():
            raise DataError(
                f"{record_set.source}: {target} holds objects in pictures and has no place for the "
                "class of a whole picture; convert it to tfrecord."
            )


def _write_images(record_sets, target, folder, names, link):
    written = {}
    for split, record_set in record_sets.items():
        place = folder / IMAGE_FOLDERS[target](split, record_sets)
        for record, name in zip(record_set.records, names[split], strict=True):
            if written.setdefault(place / name, _key(record)) != _key(record):
                raise DataError(f"Two pictures would both be {place.name}/{name}; rename one.")
            if not (place / name).exists():
                _write_image(record, place / name, link)


def _write_image(record, path, link):
    path.parent.mkdir(parents=True, exist_ok=True)
    whole_file = record.length is None and not record.offset
    if whole_file and link:
        with contextlib.suppress(OSError):  # another disk, or one without links
            os.link(os.path.realpath(record.path), path)
            return
    try:
        content = read_image_bytes(record)
    except OSError as error:
        raise DataError(f"Image {record.image_id!r}: cannot be read ({error}).") from error
    path.write_bytes(content)


def _key(record):
    return str(record.path), record.offset
