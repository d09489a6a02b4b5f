"""Labelme's JSON files, one a picture: `load_labelme`."""

import os
import pathlib
from typing import TypeGuard

import numpy as np

from keras_effspine.data.formats.boxes import whole_size
from keras_effspine.data.formats.drawn_shapes import (
    box_around,
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

_FEWEST = {"polygon": 3, "rectangle": 2, "circle": 2, "mask": 2}
"""Shapes that cover something, with the number of points that they need."""


def is_labelme(content: object) -> TypeGuard[dict]:
    """Whether the content of a JSON file is Labelme's."""
    return (
        isinstance(content, dict) and isinstance(content.get("shapes"), list)
    ) and "imagePath" in content


def load_labelme(
    root: str | os.PathLike, split: str | None = None, images: pathlib.Path | None = None
) -> RecordSet:
    """Reads a folder of pictures and Labelme's JSON files, maybe in folders named as parts.

    Rectangles become boxes; polygons and circles masks with boxes around them; of a painted mask
    its box is taken. Lines and points cover nothing and are dropped.

    Args, returns, raises: as `shape_files.load_shapes_of`.
    """
    return load_shapes_of(root, split, _read, "folder of Labelme's JSON files", images=images)


def _read(file: pathlib.Path, problems: list[Problem]) -> list[DrawnImage]:
    try:
        content = read_json(file)
    except ValueError as error:
        problems.append(Problem(str(error), str(file), "skipped"))
        return []
    if not is_labelme(content):
        problems.append(Problem("JSON file that is not Labelme's", str(file), LEFT_OUT))
        return []
    said = content["imagePath"]
    names = [said] if isinstance(said, str) and said.strip() else []
    size = whole_size(content.get("imageWidth"), content.get("imageHeight"))
    objects = [
        DrawnObject(f"{file.name}, shape {number}", *_label_and_shape(shape))
        for number, shape in enumerate(content["shapes"], start=1)
    ]
    return [DrawnImage(str(file), file.parent, [*names, file.stem], size, objects)]


def _label_and_shape(shape):
    if not isinstance(shape, dict):
        return None, "shape is no object"
    label = shape.get("label")
    label = label.strip() if isinstance(label, str) and label.strip() else None
    kind = shape.get("shape_type") or "polygon"  # files of old say nothing of polygons
    if kind not in _FEWEST if isinstance(kind, str) else True:
        return label, f"shape that covers nothing ({kind!r:.40})"
    given = shape.get("points")
    points = [finite_numbers(point) for point in given] if isinstance(given, list) else []
    if len(points) < _FEWEST[kind] or not all(one and len(one) == 2 for one in points):
        return label, "shape without its points"
    points = np.array(points)
    if kind == "polygon":
        return label, polygon_shape(points)
    if kind == "circle":  # its middle, and a point on its edge
        radius = float(np.hypot(*(points[1] - points[0])))
        return label, ellipse_shape(*points[0].tolist(), radius, radius)
    return label, (box_around(points), None, None)
