"""COCO's JSON: the file with its folder of pictures, or the folder that holds both."""

import json
import mmap
import os
import pathlib
import re

from keras_effspine.data.source import Place, Source
from keras_effspine.data.split_names import split_folders, split_name
from keras_effspine.errors import DataError

KNOWN = (
    "a COCO JSON file (*.json) with its image folder, or the folder that holds both (*.json, "
    "annotations/*.json, or train/_annotations.coco.json as Roboflow has it)"
)

_KEYS = (b'"images"', b'"annotations"', b'"categories"')
_FILE_NAME = re.compile(rb'"file_name"\s*:\s*("(?:[^"\\]|\\.){1,1000}")')
_SAMPLE = 20


def recognise(place: Place) -> Source | None:
    path = place.path
    if path.suffix.lower() == ".json" and not path.is_dir():
        return None if _is_list(path) else _file(place)
    # Pascal VOC's folders may hold the same annotations as JSON too: they know more of each object.
    if place.images is not None or {"jpegimages", "imagesets"} <= place.folders.keys():
        return None
    files = _annotation_files(place)
    if not files:
        return None
    folders = {split: _image_folder(file, split, path) for split, file in files.items()}
    if None in files:
        return Source((), lambda _: _load(files[None], folders[None], None))

    def load(split):
        if split not in files:
            there = ", ".join(files)
            raise DataError(f"{path}: there is no split '{split}'; there are: {there}.")
        return _load(files[split], folders[split], split)

    return Source(tuple(files), load)


def _file(place):
    from keras_effspine.data.formats.coco_panoptic import is_panoptic, load_coco_panoptic

    path, images = place.path, place.images
    if not path.exists():
        raise DataError(f"{path}: there is no such file or folder.")
    if images is None:
        raise DataError(f"{path}: name the folder of its pictures as well (--images).")
    if not images.is_dir():
        raise DataError(f"{images}: there is no such image folder.")
    if "semantic" in place.labels and is_panoptic(path):
        load = load_coco_panoptic
        return Source((), lambda _: load(path, images), has_maps=True, takes_images=True)
    if "instances" in place.labels and is_panoptic(path):
        from keras_effspine.data.formats.panoptic_instances import load_panoptic_instances

        return Source((), lambda _: load_panoptic_instances(path, images), takes_images=True)
    return Source((), lambda _: _load(path, images, None), takes_images=True)


def _is_list(path):
    """Whether a JSON file holds a list, as Label Studio's does; COCO's holds an object."""
    try:
        with path.open("rb") as file:
            return file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")
    except OSError:
        return False


def _load(file, images, split):
    import dataclasses

    from keras_effspine.data.formats.coco import load_coco

    return dataclasses.replace(load_coco(file, images), split=split)


def _annotation_files(place):
    """Dictionary from split, or None for all there is, to annotation file."""
    found = {}
    for split, folder in split_folders(place.path).items():
        files = _coco_files(Place(folder))
        if files:
            found[split] = _only(files, folder)
    if found:
        return found
    for at in (place, *(place.inside(n) for n in ("annotations",) if n in place.folders)):
        files = _coco_files(at)
        instances = [file for file in files if file.name.startswith("instances_")]
        files = instances or files
        for file in files:
            split = _split_of(file)
            if split in found:
                raise DataError(
                    f"{at.path}: {found[split].name} and {file.name} are of one part; name the "
                    "file and its folder of pictures (--data, --images)."
                )
            found[split] = file
        if found:
            break
    if None in found and len(found) > 1:
        raise DataError(
            f"{found[None].parent}: holds several annotation files ({found[None].name}, ...), not "
            "all of them named as parts; name one with its folder of pictures (--data, --images)."
        )
    return found


def _coco_files(place):
    return [file for file in place.files_of(".json") if _is_coco(file)]


def _is_coco(path):
    """Whether a JSON file has COCO's three lists; it may be too large to be read twice."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
            return all(text.find(key) >= 0 for key in _KEYS)
    except (OSError, ValueError):  # ValueError: an empty file
        return False


def _only(files, folder):
    if len(files) > 1:
        raise DataError(
            f"{folder}: holds several annotation files ({files[0].name}, {files[1].name}); name "
            "one with its folder of pictures (--data, --images)."
        )
    return files[0]


def _split_of(file):
    """The part that the name of an annotation file speaks of, such as `instances_train2017`."""
    words = re.split(r"[._\- ]+", file.stem)
    return next(filter(None, map(split_name, words)), None)


def _image_folder(file, split, root):
    """The folder in which most of the first pictures lie that the file names."""
    part = file.stem.removeprefix("instances_")
    places = [file.parent, file.parent / "images", root, *Place(root).folders.values()]
    for base in (root, root / "images"):
        places += [base / part, *filter(None, [split_folders(base).get(split)])]
    names = _first_names(file)
    counts = [
        sum(os.path.isfile(place / name) for name in names if not name.startswith("/"))
        for place in places
    ]
    return places[counts.index(max(counts))]


def _first_names(file):
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as text:
        found = [m[1] for m, _ in zip(_FILE_NAME.finditer(text), range(_SAMPLE), strict=False)]
    names = []
    for name in found:
        try:
            names.append(str(json.loads(name)).replace("\\", "/"))
        except ValueError:
            continue
    return [pathlib.PurePosixPath(name).as_posix() for name in names if "\0" not in name]
