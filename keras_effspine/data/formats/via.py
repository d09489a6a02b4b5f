"""JSON files of the VGG Image Annotator, version 1 and 2: `load_via`."""

import collections
import os
import pathlib

import numpy as np

from keras_effspine.data.formats.drawn_shapes import (
    ellipse_shape,
    finite_numbers,
    polygon_shape,
)
from keras_effspine.data.formats.shape_files import (
    DrawnImage,
    DrawnObject,
    load_shapes_of,
    read_json,
)
from keras_effspine.data.record import LEFT_OUT, Problem, RecordSet

_CLASS_KEYS = ("class", "label", "name", "category", "type", "object")
_ONLY_CLASS = "object"
"""The class of regions where none says anything of itself."""


def via_images(content: object) -> dict | None:
    """The entries, one a picture, in the content of a JSON file; None where it is not VIA's."""
    if not isinstance(content, dict):
        return None
    entries = content.get("_via_img_metadata", content)
    if not isinstance(entries, dict) or not entries:
        return None
    good = all(
        isinstance(e, dict) and {"filename", "regions"} <= e.keys() for e in entries.values()
    )
    return entries if good else None


def load_via(
    root: str | os.PathLike, split: str | None = None, images: pathlib.Path | None = None
) -> RecordSet:
    """Reads pictures and VIA's projects or exports, maybe in folders named as parts.

    The class is the attribute of regions called `class`, `label`, `name`, `category`, `type` or
    `object`, or the most frequent one; where regions have none, all are of one class, `object`.
    Rectangles become boxes; polygons, circles and ellipses masks with boxes around them.

    Args, returns, raises: as `shape_files.load_shapes_of`.
    """
    return load_shapes_of(root, split, _read, "VIA annotations", images=images)


def _read(file: pathlib.Path, problems: list) -> list:
    try:
        content = read_json(file)
    except ValueError as error:
        problems.append(Problem(str(error), str(file), "skipped"))
        return []
    entries = via_images(content)
    if entries is None:
        problems.append(Problem("JSON file that is not VIA's", str(file), LEFT_OUT))
        return []
    regions = {key: _regions(entry["regions"]) for key, entry in entries.items()}
    class_key = _class_key(regions.values())
    found = []
    for key, entry in entries.items():
        name = entry["filename"]
        if not isinstance(name, str) or not name.strip():
            problems.append(Problem("picture without a file name", f"{file}, {key:.80}", "skipped"))
            continue
        objects = [
            DrawnObject(f"{file.name}, {name:.80}, region {n}", _label(one, class_key), _shape(one))
            for n, one in enumerate(regions[key], start=1)
        ]
        found.append(DrawnImage(str(file), file.parent, [name], None, objects))
    return found


def _regions(regions):
    """A list in version 2; a dictionary, by number, in version 1."""
    if isinstance(regions, dict):
        regions = list(regions.values())
    return regions if isinstance(regions, list) else []


def _attributes(region):
    said = region.get("region_attributes") if isinstance(region, dict) else None
    return said if isinstance(said, dict) else {}


def _class_key(regions):
    counts = collections.Counter(
        key for some in regions for one in some for key in _attributes(one)
    )
    if not counts:
        return None
    spelled = {key.strip().lower(): key for key in counts}
    named = next((spelled[key] for key in _CLASS_KEYS if key in spelled), None)
    return counts.most_common(1)[0][0] if named is None else named


def _label(region, class_key):
    if class_key is None:
        return _ONLY_CLASS
    said = _attributes(region).get(class_key)
    if isinstance(said, dict):  # check boxes: the ticked one, if it is the only one
        ticked = [key for key, value in said.items() if value]
        said = ticked[0] if len(ticked) == 1 else None
    return said.strip() or None if isinstance(said, str) else None


def _shape(region):
    shape = region.get("shape_attributes") if isinstance(region, dict) else None
    if not isinstance(shape, dict):
        return "region without a shape"

    def numbers(*keys):
        return finite_numbers([shape.get(key) for key in keys])

    kind = shape.get("name")
    if kind == "rect":
        box = numbers("x", "y", "width", "height")
        return (box, None, None) if box else "shape without its numbers"
    if kind in ("circle", "ellipse"):
        keys = ("r", "r") if kind == "circle" else ("rx", "ry")
        values = numbers("cx", "cy", *keys)
        if not values:
            return "shape without its numbers"
        return ellipse_shape(*values, (numbers("theta") or [0])[0] if kind == "ellipse" else 0)
    if kind == "polygon":
        x, y = (finite_numbers(shape.get(f"all_points_{axis}")) for axis in "xy")
        if not x or not y or len(x) != len(y) or len(x) < 3:
            return "shape without its points"
        return polygon_shape(np.stack([x, y], axis=1))
    return f"shape that covers nothing ({kind!r:.40})"
