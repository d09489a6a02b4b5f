"""Label Studio's own JSON: `load_label_studio`."""

import os
import pathlib
import re
import urllib.parse
from typing import TypeGuard

import numpy as np

from keras_effspine.data.formats.boxes import whole_size
from keras_effspine.data.formats.drawn_shapes import (
    Shape,
    ellipse_shape,
    finite_numbers,
    polygon_shape,
    turned_rectangle,
)
from keras_effspine.data.formats.shape_files import (
    DrawnImage,
    DrawnObject,
    load_shapes_of,
    read_json,
)
from keras_effspine.data.images.finding import IMAGE_SUFFIXES
from keras_effspine.data.record import LEFT_OUT, Problem, RecordSet

_UPLOADED = re.compile(r"^[0-9a-f]{8}-(?=.)")
"""What Label Studio puts before the names of files that are dropped into it."""


def is_label_studio(content: object) -> TypeGuard[list]:
    """Whether the content of a JSON file is a list of Label Studio's tasks."""
    first = content[0] if isinstance(content, list) and content else None
    if not isinstance(first, dict) or not isinstance(first.get("data"), dict):
        return False
    return bool({"annotations", "completions", "predictions", "id"} & first.keys())


def load_label_studio(
    root: str | os.PathLike, split: str | None = None, images: pathlib.Path | None = None
) -> RecordSet:
    """Reads pictures and Label Studio's tasks of them, maybe in folders named as parts.

    Of a task's annotations the last is taken that was not cancelled. Predictions are taken where no
    task of the file has an annotation; otherwise tasks without one are left out. Rectangles become
    boxes, of a turned one the box around it; polygons and ellipses masks with boxes. What was
    painted with the brush, and points, are dropped.

    Args, returns, raises: as `shape_files.load_shapes_of`.
    """
    return load_shapes_of(root, split, _read, "Label Studio's JSON", images=images)


def _read(file: pathlib.Path, problems: list[Problem]) -> list[DrawnImage]:
    try:
        content = read_json(file)
    except ValueError as error:
        problems.append(Problem(str(error), str(file), "skipped"))
        return []
    if not is_label_studio(content):
        problems.append(Problem("JSON file that is not Label Studio's", str(file), LEFT_OUT))
        return []
    by_hand = [_annotation(task, "annotations", "completions") for task in content]
    found = []
    for number, (task, said) in enumerate(zip(content, by_hand, strict=True), start=1):
        named = task.get("id", number) if isinstance(task, dict) else number
        where = f"{file.name}, task {named!s:.40}"
        if said is None and not any(one is not None for one in by_hand):
            said = _annotation(task, "predictions")
        name = _image_name(task)
        if name is None or said is None:
            kind = "task without a picture" if name is None else "task that nobody annotated"
            problems.append(Problem(kind, where, LEFT_OUT))
            continue
        results = [one for one in said if isinstance(one, dict)]
        objects = _objects(results, where)
        sizes = (whole_size(r.get("original_width"), r.get("original_height")) for r in results)
        size = next(filter(None, sizes), None)
        names = [name, _UPLOADED.sub("", pathlib.PureWindowsPath(name).name)]
        found.append(DrawnImage(f"{file}, {where}", file.parent, names, size, objects))
    return found


def _annotation(task, *keys):
    """The result of the last annotation that counts, a list; None where there is none."""
    lists = (task.get(key) for key in keys) if isinstance(task, dict) else ()
    every = next((one for one in lists if isinstance(one, list) and one), [])
    counts = [
        one["result"]
        for one in every
        if isinstance(one, dict)
        and isinstance(one.get("result"), list)
        and not one.get("was_cancelled")
    ]
    return counts[-1] if counts else None


def _image_name(task):
    """The file name in the address of a task's picture."""
    data = task.get("data") if isinstance(task, dict) else None
    values = data.values() if isinstance(data, dict) else ()
    texts = [value for value in values if isinstance(value, str)]
    for text in texts:
        try:
            address = urllib.parse.urlsplit(text.replace("\\", "/"))
        except ValueError:  # brackets that are no host's
            continue
        named = urllib.parse.parse_qs(address.query).get("d", [])
        for path in (*named, urllib.parse.unquote(address.path)):
            if path.lower().endswith(IMAGE_SUFFIXES):
                return path
    return None


def _objects(results, where):
    """What was drawn; a shape and its label may be two results of one id."""
    labels = {_id(one): name for one in results if (name := _label(one)) is not None}
    objects, seen = [], set()
    for number, one in enumerate(results, start=1):
        key = _id(one) or number
        shape = _shape(one)
        if shape is None or key in seen:
            continue
        seen.add(key)
        score = one.get("score")
        said = {"score": score} if isinstance(score, (int, float)) else {}
        label = _label(one) or labels.get(_id(one))
        objects.append(DrawnObject(f"{where}, result {number}", label, shape, said))
    return objects


def _id(result):
    named = result.get("id")
    return named if isinstance(named, (str, int)) else None


def _label(result):
    value = result.get("value")
    for key, names in value.items() if isinstance(value, dict) else ():
        if key.endswith("labels") and isinstance(names, list) and names:
            return names[0].strip() or None if isinstance(names[0], str) else None
    return None


def _shape(result) -> Shape | str | None:
    """None where a result is no shape: a label alone, a choice, a text."""
    value = result.get("value")
    if not isinstance(value, dict):
        return None
    size = whole_size(result.get("original_width"), result.get("original_height"))
    if {"rle", "keypointlabels", "brushlabels"} & value.keys():
        return "shape that is painted or a point, which is not read"
    if not {"points", "width", "radiusX"} & value.keys():
        return None
    if size is None:
        return "shape of a picture whose size is not said"
    scale = np.array(size) / 100
    if "points" in value:
        given = value["points"] if isinstance(value["points"], list) else []
        points = [finite_numbers(point) for point in given]
        if len(points) < 3 or not all(one and len(one) == 2 for one in points):
            return "shape without its points"
        return polygon_shape(np.array(points) * scale)
    turn = finite_numbers([value.get("rotation") or 0])
    extent = ("radiusX", "radiusY") if "radiusX" in value else ("width", "height")
    numbers = finite_numbers([value.get(key) for key in ("x", "y", *extent)])
    if not numbers or not turn:
        return "shape without its numbers"
    x, y, across, along = (np.array(numbers) * np.tile(scale, 2)).tolist()
    if "radiusX" in value:
        return ellipse_shape(x, y, across, along, float(np.radians(turn[0])))
    if turn[0]:
        return turned_rectangle(x, y, across, along, turn[0], False)
    return [x, y, across, along], None, None
