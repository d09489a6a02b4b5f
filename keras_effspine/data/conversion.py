"""From any format into any other, as a folder that stands alone."""

import collections
import contextlib
import os
import pathlib
from collections.abc import Callable

import numpy as np

from keras_effspine.atomic_file import whole_folder
from keras_effspine.data.formats.coco_saving import save_coco
from keras_effspine.data.formats.file_names import name_inside
from keras_effspine.data.images.image_bytes import read_image_bytes
from keras_effspine.data.record import Record, RecordSet
from keras_effspine.data.record_columns import image_labels
from keras_effspine.errors import DataError

TARGETS = ("coco", "voc", "yolo", "tfrecord")


def convert(
    record_sets: dict[str, RecordSet], target: str, folder: str | os.PathLike, link: bool = False
) -> list[str]:
    """Writes a data set in another format, with its pictures.

    The folder appears whole or not at all. `"coco"` makes `<split>.json` and `images`; `"voc"`
    `Annotations`, `JPEGImages` and `ImageSets/Main`; `"yolo"` `data.yaml`, `images/<split>` and
    `labels/<split>`; `"tfrecord"` shards with pictures and annotations and an index a split.

    Args:
        record_sets: dictionary from split to `RecordSet`; all have the same classes.
        target: one of `TARGETS`.
        folder: path of the folder to make; it may exist if it is empty.
        link: whether picture files are hard links to the originals, where the disk allows it,
            instead of copies.

    Returns:
        List of lines that say what the format could not hold, counted by kind.

    Raises:
        DataError: the folder is not empty or cannot be written, the splits differ in their
            classes, or something cannot be written in the format.
    """
    if target not in TARGETS:
        raise DataError(f"{target}: no known format; choose one of {', '.join(TARGETS)}.")
    _check_classes(record_sets)
    if target != "tfrecord":
        _refuse_labelled(record_sets, target)
    folder = pathlib.Path(os.path.abspath(folder))
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise DataError(f"{folder}: exists and is not empty; name a new folder.")
    names = _NAMING[target](file_names(record_sets))
    try:
        with whole_folder(folder) as part:
            _write(record_sets, target, part, names, link)
    except OSError as error:
        raise DataError(f"{folder}: cannot be written ({error}).") from error
    return left_out(record_sets, target)


def left_out(record_sets: dict[str, RecordSet], target: str) -> list[str]:
    """What a format cannot hold of some record sets, as a list of lines, one a kind."""
    counts: collections.Counter[str] = collections.Counter()
    for record_set in record_sets.values():
        for record in record_set.records:
            counts.update(_LEFT_OUT[target](record))
            counts["label maps of pixels"] += record.semantic_map is not None
            if target in ("voc", "yolo") and isinstance(record.image_id, int):
                counts["image ids (file names tell the pictures)"] += 1
        plain = tuple(range(len(record_set.class_names)))
        if target in ("voc", "yolo") and tuple(record_set.category_ids) != plain:
            counts["category ids (classes are told by name and order)"] = len(plain)
    return [f"{count} {kind}" for kind, count in counts.items() if count]


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


def _write(record_sets, target, folder, names, link):
    if target == "tfrecord":
        from keras_effspine.data.formats.tfrecord import save_tfrecord

        save_tfrecord(record_sets, folder, names)
        return
    images = {"coco": "images", "voc": "JPEGImages", "yolo": "images/{split}"}[target]
    written = {}
    for split, record_set in record_sets.items():
        place = folder / images.format(split=split)
        for record, name in zip(record_set.records, names[split], strict=True):
            if written.setdefault(place / name, _key(record)) != _key(record):
                raise DataError(f"Two pictures would both be {place.name}/{name}; rename one.")
            if not (place / name).exists():
                _write_image(record, place / name, link)
    if target == "coco":
        for split, record_set in record_sets.items():
            paths = [folder / "images" / name for name in names[split]]
            save_coco(record_set, folder / f"{split}.json", folder / "images", paths)
    elif target == "voc":
        from keras_effspine.data.formats.voc_writing import save_voc

        save_voc(record_sets, folder, names)
    else:
        from keras_effspine.data.formats.yolo import save_yolo

        save_yolo(record_sets, folder, names)


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
}


def _box_areas_differ(record):
    boxes = record.boxes[:, 2] * record.boxes[:, 3]
    return ~np.isclose(record.areas, boxes, rtol=1e-3)


def _voc_leaves_out(record):
    attributes = record.attributes or ({},) * len(record.boxes)
    known = {"truncated", "occluded", "difficult", "pose"}
    yield "masks", sum(mask is not None for mask in record.masks)
    crowds = zip(record.is_crowd, attributes, strict=True)
    yield (
        "crowds as such (written as difficult objects)",
        sum(bool(crowd) and "difficult" not in said for crowd, said in crowds),
    )
    yield "object areas (readers take that of the box)", int(_box_areas_differ(record).sum())
    yield "attributes", sum(bool(said.keys() - known) for said in attributes)


def _yolo_leaves_out(record):
    from keras_effspine.data.formats.yolo import polygons

    crowd = record.is_crowd
    masks = sum(mask is not None for mask, one in zip(record.masks, crowd, strict=True) if not one)
    yield "crowds", int(crowd.sum())
    if polygons(record) is None:
        yield "masks (not all of the picture's are one polygon with the bounds of the box)", masks
        areas = int((_box_areas_differ(record) & ~crowd).sum())
        yield "object areas (readers take that of the box)", areas
    attributes = record.attributes or ({},) * len(crowd)
    yield "objects' attributes", sum(bool(said) for said in attributes)


def _nothing(record):
    return ()


def _counted(kinds):
    return lambda record: {kind: count for kind, count in kinds(record) if count}


_LEFT_OUT: dict[str, Callable[[Record], dict[str, int]]] = {
    "coco": _counted(_nothing),
    "voc": _counted(_voc_leaves_out),
    "yolo": _counted(_yolo_leaves_out),
    "tfrecord": _counted(_nothing),
}
