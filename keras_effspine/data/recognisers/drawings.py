"""Files of tools that people draw with: CVAT, Label Studio, Labelme, VIA."""

import functools
import itertools

from keras_effspine.data.source import Place, Source
from keras_effspine.errors import DataError

KNOWN = (
    "a folder of pictures with Labelme's JSON files, or with the JSON of VIA or Label Studio, or "
    "with CVAT's annotations.xml"
)

_SAMPLE, _LARGEST = 5, 1 << 28


def recognise(place: Place) -> Source | None:
    path = place.path
    if path.is_file():
        return _alone(place) if path.suffix.lower() in (".json", ".xml") else None
    for at in (place, *(Place(folder) for folder in place.folders.values())):
        for file in itertools.islice(at.files_of(".json", ".xml"), _SAMPLE):
            load = _loader(file)
            if load is not None:
                from keras_effspine.data.formats.shape_files import shape_splits

                splits = shape_splits(path, file.suffix.lower())
                return Source(splits, functools.partial(load, path))
    return None


def _alone(place):
    """A file that its tool exports without the pictures, with a folder of them."""
    path, images = place.path, place.images
    if _loader(path) is None:
        return None
    if images is None:
        raise DataError(f"{path}: name the folder of its pictures as well (--images).")
    if not images.is_dir():
        raise DataError(f"{images}: there is no such image folder.")
    load = functools.partial(_loader(path), path, images=images)
    return Source((), load, takes_images=True)


def _loader(file):
    """The function that reads a tool's file and its like; None where it is no tool's."""
    from keras_effspine.data.formats import cvat, label_studio, labelme, via
    from keras_effspine.data.formats.shape_files import read_json

    if file.suffix.lower() == ".xml":
        return cvat.load_cvat if cvat.is_cvat(file) else None
    try:
        content = read_json(file) if file.stat().st_size < _LARGEST else None
    except (OSError, ValueError):
        return None
    if label_studio.is_label_studio(content):
        return label_studio.load_label_studio
    if labelme.is_labelme(content):
        return labelme.load_labelme
    if via.via_images(content) is not None:
        return via.load_via
    if isinstance(content, dict) and {"project", "metadata", "file"} <= content.keys():
        raise DataError(
            f"{file}: is a project of VIA 3, which is not read; export it as COCO, or use VIA 2."
        )
    return None
