"""What describes a YOLO data set: `data.yaml`, darknet's `obj.data`, or a mere list of names."""

import dataclasses
import os
import pathlib

import yaml

from keras_effspine.data.formats.yolo_names import check_names, read_lines, read_names
from keras_effspine.data.split_names import split_folders, split_name
from keras_effspine.errors import DataError

SPLITS = ("train", "val", "test")
NAMES_FILES = ("classes.txt", "obj.names", "labels/classes.txt", "notes.json")
"""Files that name the classes of a data set without a description, below its root."""

_OTHER_KEYS = ("path", "names", "nc", "download")


@dataclasses.dataclass(frozen=True)
class YoloDescription:
    """What a data set says of itself.

    Args:
        path: the file that was read.
        root: folder that holds the pictures and labels.
        names: dictionary from class id to name, sorted by id.
        places: dictionary from split to a list of what it names, folders or text lists.
    """

    path: pathlib.Path
    root: pathlib.Path
    names: dict[int, str]
    places: dict[str, list[str]]

    def resolve(self, place: str, base: pathlib.Path | None = None) -> pathlib.Path | None:
        """The path that a name stands for, or None where it lies outside of the data set's folder.

        Exports begin at the wrong folder: Roboflow's with `../`, as Ultralytics knows, CVAT's with
        `data/`. They are found where they lie.
        """
        base = self.root if base is None else base
        path = self._inside(base / place)
        for prefix in ("../", "data/"):
            if place.startswith(prefix) and (path is None or not os.path.exists(path)):
                stripped = self._inside(base / place[len(prefix) :])
                path = stripped if stripped is not None and os.path.exists(stripped) else path
        return path

    def _inside(self, path):
        if "\0" in str(path):
            return None
        path = pathlib.Path(os.path.normpath(str(path).replace("\\", "/")))
        return path if path.is_relative_to(self.root) else None


def read_description(path: pathlib.Path) -> YoloDescription:
    """Reads what describes a data set.

    Args:
        path: a `data.yaml`; an `obj.data` of darknet's, as CVAT's YOLO 1.1 has it; or one of
            `NAMES_FILES`, whose pictures and labels lie in `images` and `labels`, in folders that
            are named as parts, or all beside each other.

    Raises:
        DataError: the file is missing or makes no sense, names no classes, or describes keypoints.
    """
    path = pathlib.Path(path)
    if path.suffix == ".data":
        return _read_darknet(path)
    if path.suffix.lower() not in (".yaml", ".yml"):
        root = path.parent.parent if path.parent.name == "labels" else path.parent
        return YoloDescription(path, root, read_names(path), _usual_places(root))
    try:
        content = yaml.safe_load(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); check the path.") from error
    except Exception as error:  # PyYAML raises whatever a broken value leads it to
        reason = " ".join(str(error).split())
        raise DataError(f"{path}: not valid YAML ({reason:.200}).") from error
    if not isinstance(content, dict):
        raise DataError(f"{path}: holds no names and values; a YOLO data.yaml does.")
    if "kpt_shape" in content:
        raise DataError(f"{path}: describes keypoints (kpt_shape); boxes and polygons are read.")
    said = content.get("path") or ""
    if not isinstance(said, str) or "\0" in said:
        # Not shown: a few lines of YAML can stand for more text than fits the memory.
        raise DataError(f"{path}: 'path' must be the name of a folder.")
    root = pathlib.Path(os.path.normpath(path.parent / said))
    if not os.path.isdir(root):  # where the data set lay when it was written
        root = pathlib.Path(os.path.normpath(path.parent))
    description = YoloDescription(path, root, check_names(content.get("names"), path), {})
    _add_places(description, content)
    return description


def _add_places(description, content):
    spelled = {key.lower(): key for key in content if isinstance(key, str)}
    for split in SPLITS:
        named = content.get(spelled.get(split)) or []
        named = [named] if isinstance(named, str) else named
        if not isinstance(named, list) or not all(isinstance(one, str) for one in named):
            raise DataError(
                f"{description.path}: '{split}' must name a folder, a text list, or several."
            )
        if named:
            description.places[split] = named
    for split, place in content.items():  # Ultralytics knows the three; others may name a folder
        if isinstance(split, str) and isinstance(place, str) and place:
            if split.lower() not in (*_OTHER_KEYS, *SPLITS):
                found = description.resolve(place)
                if found is not None and found != description.root and os.path.isdir(found):
                    description.places.setdefault(split_name(split) or split, [place])


def _read_darknet(path):
    """`obj.data`, with lines such as `train = data/train.txt`."""
    values = {}
    for line in read_lines(path):
        key, equals, value = line.partition("=")
        if equals and value.strip():
            values[key.strip().lower()] = value.strip()
    if "names" not in values:
        raise DataError(f"{path}: names no file of classes; add a line 'names = obj.names'.")
    places = {split_name(key): [value] for key, value in values.items() if split_name(key)}
    description = YoloDescription(path, pathlib.Path(os.path.normpath(path.parent)), {}, places)
    names = description.resolve(values["names"])
    if names is None or not os.path.isfile(names):
        raise DataError(
            f"{path}: 'names = {values['names']:.80}': there is no such file beside it."
        )
    return dataclasses.replace(description, names=read_names(names))


def _usual_places(root):
    if os.path.isdir(root / "images"):
        parts = split_folders(root / "images")
        return {split: [f"images/{path.name}"] for split, path in parts.items()} or {
            "train": ["images"]
        }
    parts = split_folders(root)
    return {
        split: [f"{path.name}/images" if os.path.isdir(path / "images") else path.name]
        for split, path in parts.items()
    } or {"train": ["."]}
