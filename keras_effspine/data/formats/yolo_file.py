"""The files of a YOLO data set: its `data.yaml`, lists of pictures, and lines of labels."""

import dataclasses
import math
import os
import pathlib

import yaml

from keras_effspine.data.formats.file_names import IMAGE_SUFFIXES
from keras_effspine.errors import DataError

SPLITS = ("train", "val", "test")

_OTHER_KEYS = ("path", "names", "nc", "download")


@dataclasses.dataclass(frozen=True)
class YoloDescription:
    """What `data.yaml` says.

    Args:
        path: the file.
        root: folder that holds the pictures and labels.
        names: dictionary from class id to name, sorted by id.
        places: dictionary from split to a list of what it names, folders or text lists.
    """

    path: pathlib.Path
    root: pathlib.Path
    names: dict
    places: dict


def read_description(path):
    """Reads `data.yaml`.

    Args:
        path: `pathlib.Path` of the file.

    Returns:
        `YoloDescription`.

    Raises:
        DataError: the file is missing, is no YAML, names no classes, or describes keypoints.
    """
    try:
        content = yaml.safe_load(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); check the path.") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{path}: not valid YAML ({reason:.200}).") from error
    if not isinstance(content, dict):
        raise DataError(f"{path}: holds no names and values; a YOLO data.yaml does.")
    if "kpt_shape" in content:
        raise DataError(f"{path}: describes keypoints (kpt_shape); boxes and polygons are read.")
    root = content.get("path") or ""
    if not isinstance(root, str):
        # Not shown: a few lines of YAML can stand for more text than fits the memory.
        raise DataError(f"{path}: 'path' must be the name of a folder.")
    places = {}
    for split in SPLITS:
        named = content.get(split) or []
        named = [named] if isinstance(named, str) else named
        if not isinstance(named, list) or not all(isinstance(one, str) for one in named):
            raise DataError(f"{path}: '{split}' must name a folder, a text list, or several.")
        if named:
            places[split] = named
    root = pathlib.Path(os.path.normpath(path.parent / root))
    for split, place in content.items():  # Ultralytics knows the three; others may name a folder
        if isinstance(split, str) and split not in _OTHER_KEYS and isinstance(place, str):
            if place and (root / place).is_dir():
                places.setdefault(split, [place])
    return YoloDescription(path, root, _names(content, path), places)


def _names(content, path):
    names = content.get("names")
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not names:
        raise DataError(f"{path}: 'names' lists no classes; list at least one there.")
    for number, name in names.items():
        good = isinstance(number, int) and not isinstance(number, bool) and number >= 0
        if not good or isinstance(name, (list, dict)) or name is None or not str(name).strip():
            raise DataError(f"{path}: class {number!r:.40} of 'names' needs a number and a name.")
    return {number: str(names[number]) for number in sorted(names)}


def list_images(description, split):
    """The pictures of a split.

    Args:
        description: `YoloDescription`.
        split: one of its splits.

    Returns:
        List of `pathlib.Path`, in the order of the list, or sorted where a folder is named.

    Raises:
        DataError: a folder or list is missing, empty, or leads out of the data set's folder.
    """
    if split not in description.places:
        there = ", ".join(description.places) or "none"
        raise DataError(f"{description.path}: there is no split '{split}'; there are: {there}.")
    images = []
    for place in description.places[split]:
        path = _inside(description, place, description.root)
        # Roboflow's files start at the wrong folder; Ultralytics finds the right one so as well.
        if place.startswith("../") and (path is None or not path.exists()):
            stripped = _inside(description, place[3:], description.root)
            path = stripped if stripped is not None and stripped.exists() else path
        if path is None:
            raise DataError(
                f"{description.path}: '{split}: {place}' leaves the data set's folder "
                f"{description.root}; name it with 'path'."
            )
        if path.is_dir():
            found = (p for p in path.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES)
            images += sorted(p for p in found if p.is_file())
        elif path.is_file():
            images += _read_list(description, path)
        else:
            raise DataError(
                f"{description.path}: '{split}: {place}' is neither a folder nor a list; "
                f"looked for {path}."
            )
    if not images:
        raise DataError(f"{description.path}: the split '{split}' holds no pictures.")
    if len(set(images)) != len(images):
        seen = set()
        twice = next(p for p in images if p in seen or seen.add(p))
        raise DataError(f"{description.path}: '{split}' names {twice} twice; list it once.")
    return images


def label_path(image):
    """Where the labels of a picture lie: the last folder `images` of its path becomes `labels`."""
    parts = list(image.parts)
    if "images" in parts[:-1]:
        parts[len(parts) - 2 - parts[-2::-1].index("images")] = "labels"
    return pathlib.Path(*parts).with_suffix(".txt")


def read_label_line(line):
    """Reads one line of labels.

    Args:
        line: string of a class id with four numbers (center and size of a box) or with pairs of
            numbers (a polygon), all as shares of the picture's width and height.

    Returns:
        Tuple of class id and a list of floats; or, where that makes no sense, None and the kind of
        problem.
    """
    words = line.split()
    try:
        values = [float(word) for word in words]
    except ValueError:
        return None, "line holds something other than numbers"
    if len(words) == 6:
        return None, "line of 6 numbers (a prediction's score has no place in the truth)"
    if len(words) != 5 and (len(words) < 7 or len(words) % 2 == 0):
        return None, f"line of {len(words)} numbers is neither a box nor a polygon"
    if not all(map(math.isfinite, values)):
        return None, "box is not finite"
    if not values[0].is_integer():
        return None, "class id is no whole number"
    return int(values[0]), values[1:]


def _read_list(description, path):
    images = []
    for line in os.fsdecode(path.read_bytes().removeprefix(b"\xef\xbb\xbf")).splitlines():
        name = line.strip()
        if not name:
            continue
        # Ultralytics reads ./ from the list's folder; other names from the data set's.
        base = path.parent if name.startswith("./") else description.root
        image = None if "\0" in name else _inside(description, name, base)
        if image is None:
            raise DataError(
                f"{path}: {name!r} leaves the data set's folder {description.root}; "
                "use a name inside of it."
            )
        images.append(image)
    return images


def _inside(description, name, base):
    """The path that a name stands for, or None where it lies outside of the data set's folder."""
    path = pathlib.Path(os.path.normpath(base / name.replace("\\", "/")))
    return path if path.is_relative_to(description.root) else None
