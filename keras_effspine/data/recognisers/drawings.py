"""JSON and XML files of tools that people draw with: Labelme, VIA; others are refused by name."""

import itertools

from keras_effspine.data.source import Place, Source
from keras_effspine.errors import DataError

KNOWN = "a folder of pictures with Labelme's JSON files, or with the JSON of VIA"

_SAMPLE, _LARGEST = 5, 1 << 28


def recognise(place: Place) -> Source | None:
    if not place.path.is_dir():
        return None
    _refuse_cvat(place)
    for at in (place, *(Place(folder) for folder in place.folders.values())):
        for file in itertools.islice(at.files_of(".json"), _SAMPLE):
            source = _source(place, file)
            if source is not None:
                return source
    return None


def _source(place, file):
    from keras_effspine.data.formats import labelme, via
    from keras_effspine.data.formats.shape_files import read_json, shape_splits

    try:
        content = read_json(file) if file.stat().st_size < _LARGEST else None
    except (OSError, ValueError):
        return None
    if labelme.is_labelme(content):
        load = labelme.load_labelme
    elif via.via_images(content) is not None:
        load = via.load_via
    else:
        _refuse_others(content, file)
        return None
    path = place.path
    return Source(shape_splits(path), lambda split: load(path, split))


def _refuse_others(content, file):
    first = content[0] if isinstance(content, list) and content else None
    if isinstance(first, dict) and "data" in first and ("annotations" in first or "id" in first):
        raise DataError(
            f"{file}: is Label Studio's own JSON, which is not read; export the project as COCO, "
            "YOLO or Pascal VOC, with its images."
        )
    if isinstance(content, dict) and {"project", "metadata", "file"} <= content.keys():
        raise DataError(
            f"{file}: is a project of VIA 3, which is not read; export it as COCO, or use VIA 2."
        )


def _refuse_cvat(place):
    file = place.path / "annotations.xml"
    try:
        with file.open("rb") as opened:
            head = opened.read(1 << 12)
    except OSError:
        return
    if b"<annotations" in head:
        raise DataError(
            f"{file}: is CVAT's own XML, which is not read; export the task as COCO 1.0, "
            "Ultralytics YOLO, YOLO 1.1, Pascal VOC 1.1 or segmentation mask 1.1, with its images."
        )
