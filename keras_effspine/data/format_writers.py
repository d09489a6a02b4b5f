"""What writes the annotations of each format: `WRITERS`."""

import pathlib
from collections.abc import Callable

from keras_effspine.data.formats.coco_saving import save_coco


def _own_folder(split, record_sets):
    """Folder of a part in formats whose files know of no parts."""
    return split if len(record_sets) > 1 else "."


IMAGE_FOLDERS: dict[str, Callable[[str, dict], str]] = {
    "coco": lambda split, _: "images",
    "voc": lambda split, _: "JPEGImages",
    "yolo": lambda split, _: f"images/{split}",
    "cvat": lambda split, record_sets: f"{_own_folder(split, record_sets)}/images",
    "label-studio": lambda split, record_sets: f"{_own_folder(split, record_sets)}/images",
}
"""Folder of a part's pictures, by format: function of the part and all record sets."""


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


WRITERS: dict[str, Callable[..., None]] = {
    "coco": _coco,
    "voc": _voc,
    "yolo": _yolo,
    "cvat": _cvat,
    "label-studio": _label_studio,
    "tfrecord": _tfrecord,
}
"""Writers, by format: record sets, folder, file names, the folder's later name, `predicted`."""
