"""From any format into any other, as a folder that stands alone."""

import collections
import contextlib
import os
import pathlib
from collections.abc import Callable

from keras_effspine.atomic_file import whole_folder
from keras_effspine.data.format_losses import left_out
from keras_effspine.data.formats.coco_saving import save_coco
from keras_effspine.data.formats.file_names import name_inside
from keras_effspine.data.images.image_bytes import read_image_bytes
from keras_effspine.data.record import RecordSet
from keras_effspine.data.record_columns import image_labels
from keras_effspine.errors import DataError

TARGETS = ("coco", "voc", "yolo", "cvat", "label-studio", "tfrecord")


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
    names = _NAMING[target](file_names(record_sets))
    try:
        with whole_folder(folder) as part:
            if target != "tfrecord":
                _write_images(record_sets, target, part, names, link)
            _WRITING[target](record_sets, part, names, folder.name, predicted)
    except OSError as error:
        raise DataError(f"{folder}: cannot be written ({error}).") from error
    return left_out(record_sets, target)


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
        place = folder / _IMAGES[target](split, record_sets)
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


def file_names(record_sets: dict[str, RecordSet]) -> dict[str, list[str]]:
    """File name of each picture in its data set, by split: unique, with forward slashes."""
    files = [
        os.path.abspath(record.path.parent)
        for record_set in record_sets.values()
        for record in record_set.records
        if record.name is None
    ]
    common = os.path.commonpath(files) if files else None
    return {
        split: [
            name_inside(record)
            or pathlib.Path(os.path.relpath(os.path.abspath(record.path), common)).as_posix()
            for record in record_set.records
        ]
        for split, record_set in record_sets.items()
    }


def _flat(names):
    """Names without folders and with unique stems; folders become part of the name if need be."""
    every = dict.fromkeys(name for some in names.values() for name in some)
    stems = collections.Counter(pathlib.PurePosixPath(name).stem for name in every)
    flat = {}
    for name in every:
        path = pathlib.PurePosixPath(name)
        if stems[path.stem] == 1:
            flat[name] = path.name
            continue
        flat[name] = "_".join(path.parts)
        if sum(other.rpartition(".")[0] == name.rpartition(".")[0] for other in every) > 1:
            flat[name] = f"{'_'.join(path.with_suffix('').parts)}_{path.suffix[1:]}{path.suffix}"
    return {split: [flat[name] for name in some] for split, some in names.items()}


_NAMING = {
    "coco": lambda names: names,
    "tfrecord": lambda names: names,
    "voc": _flat,
    "yolo": _flat,
    "cvat": lambda names: names,
    "label-studio": lambda names: names,
}


def _own_folder(split, record_sets):
    """Folder of a part in formats whose files know of no parts."""
    return split if len(record_sets) > 1 else "."


_IMAGES: dict[str, Callable[[str, dict], str]] = {
    "coco": lambda split, _: "images",
    "voc": lambda split, _: "JPEGImages",
    "yolo": lambda split, _: f"images/{split}",
    "cvat": lambda split, record_sets: f"{_own_folder(split, record_sets)}/images",
    "label-studio": lambda split, record_sets: f"{_own_folder(split, record_sets)}/images",
}


def _coco(record_sets, folder, names, _, __):
    for split, record_set in record_sets.items():
        paths = [folder / "images" / name for name in names[split]]
        save_coco(record_set, folder / f"{split}.json", folder / "images", paths)


def _voc(record_sets, folder, names, _, __):
    from keras_effspine.data.formats.voc_writing import save_voc

    save_voc(record_sets, folder, names)


def _yolo(record_sets, folder, names, _, __):
    from keras_effspine.data.formats.yolo import save_yolo

    save_yolo(record_sets, folder, names)


def _cvat(record_sets, folder, names, _, predicted):
    from keras_effspine.data.formats.cvat_writing import save_cvat

    for split, record_set in record_sets.items():
        file = folder / _own_folder(split, record_sets) / "annotations.xml"
        save_cvat(record_set, file, names[split], predicted)


def _label_studio(record_sets, folder, names, called, predicted):
    from keras_effspine.data.formats.label_studio_writing import save_label_studio

    for split, record_set in record_sets.items():
        place = pathlib.PurePosixPath(_own_folder(split, record_sets))
        paths = [
            (pathlib.PurePosixPath(called) / place / "images" / name).as_posix()
            for name in names[split]
        ]
        save_label_studio(record_set, folder / place, paths, predicted)


def _tfrecord(record_sets, folder, names, _, __):
    from keras_effspine.data.formats.tfrecord import save_tfrecord

    save_tfrecord(record_sets, folder, names)


_WRITING: dict[str, Callable[..., None]] = {
    "coco": _coco,
    "voc": _voc,
    "yolo": _yolo,
    "cvat": _cvat,
    "label-studio": _label_studio,
    "tfrecord": _tfrecord,
}
"""Writers, by format: record sets, folder, file names, the folder's later name, `predicted`."""
