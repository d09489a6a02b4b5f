"""YOLO: Ultralytics' `data.yaml`, darknet's `obj.data`, or a list of names beside the labels."""

import itertools
import os

from keras_effspine.data.source import Place, Source
from keras_effspine.data.split_names import split_folders
from keras_effspine.errors import DataError

KNOWN = (
    "a YOLO data.yaml, or the folder that holds it, or an obj.data as CVAT's YOLO 1.1 has it, or a "
    "classes.txt with images and labels as Label Studio and LabelImg have it"
)

_SAMPLE = 20


def recognise(place: Place) -> Source | None:
    path = place.path
    if path.suffix.lower() in (".yaml", ".yml", ".data") and path.is_file():
        return _source(path)
    if not path.is_dir():
        return None
    descriptions = place.files_of(".yaml", ".yml")
    named = [p for p in descriptions if p.stem.lower() in ("data", "dataset")]
    if len(descriptions) == 1 or named:
        return _source((named or descriptions)[0])
    darknet = place.files_of(".data")
    if len(darknet) == 1:
        return _source(darknet[0])
    labels = _first_labels(place)
    if labels is None:
        return None
    from keras_effspine.data.formats.yolo_description import NAMES_FILES

    names = [path / name for name in NAMES_FILES if os.path.isfile(path / name)]
    if not names:
        raise DataError(
            f"{path}: holds pictures and YOLO's labels ({labels}), but nothing names the classes. "
            "Add a data.yaml, or a classes.txt with one name a line."
        )
    return _source(names[0])


def _source(path):
    from keras_effspine.data.formats.yolo import load_yolo, yolo_splits

    splits = yolo_splits(path)
    if not splits:
        raise DataError(f"{path}: names neither 'train', 'val' nor 'test'.")
    return Source(splits, lambda split: load_yolo(path, split))


def _first_labels(place):
    """A file that holds YOLO's labels of a picture, or None where there is none."""
    for at in map(Place, _label_folders(place)):
        pictures = {picture.stem for picture in at.images_here}
        apart = "labels" in (at.path.name.lower(), at.path.parent.name.lower())
        for file in itertools.islice(at.files_of(".txt"), _SAMPLE):
            if (apart or file.stem in pictures) and _holds_labels(file):
                return file
    return None


def _label_folders(place):
    if "labels" in place.folders and ("images" in place.folders or place.images_here):
        yield from (place.folders["labels"], *split_folders(place.folders["labels"]).values())
        return
    yield place.path
    for part in split_folders(place.path).values():
        yield from (part / "labels", part)


def _holds_labels(path):
    from keras_effspine.data.formats.text_files import read_text
    from keras_effspine.data.formats.yolo_labels import read_label_line

    try:
        lines = [line for line in read_text(path).splitlines() if line.strip()]
    except (OSError, ValueError):
        return False
    return bool(lines) and read_label_line(lines[0])[0] is not None
