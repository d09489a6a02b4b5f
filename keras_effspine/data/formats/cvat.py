"""CVAT's own XML, as "CVAT for images 1.1" exports it: `load_cvat`."""

import os
import pathlib
import xml.etree.ElementTree as ElementTree

import numpy as np

from keras_effspine.data.formats.boxes import whole_size
from keras_effspine.data.formats.drawn_shapes import (
    Shape,
    ellipse_shape,
    finite_numbers,
    polygon_shape,
    turned_rectangle,
)
from keras_effspine.data.formats.shape_files import DrawnImage, DrawnObject, load_shapes_of
from keras_effspine.data.formats.xml_file import UnreadableFileError, read_xml
from keras_effspine.data.images.finding import find_files
from keras_effspine.data.record import LEFT_OUT, Problem, RecordSet
from keras_effspine.data.run_lengths import crop_run_lengths
from keras_effspine.errors import DataError

_NOT_SHAPES = ("tag", "attribute")
CROWD = "iscrowd"
"""The attribute by which objects are told that stand for a group."""


def is_cvat(path: pathlib.Path) -> bool:
    """Whether an XML file is CVAT's."""
    try:
        with path.open("rb") as file:
            return b"<annotations" in file.read(1 << 12)
    except OSError:
        return False


def load_cvat(
    root: str | os.PathLike, split: str | None = None, images: pathlib.Path | None = None
) -> RecordSet:
    """Reads pictures and CVAT's XML of them, maybe in folders named as parts.

    Rectangles become boxes, of a turned one the box around it; polygons, ellipses and painted masks
    become masks with boxes. Lines, points, skeletons and cuboids are dropped. Attributes are kept.
    Classes come in the order of the task's labels.

    Args, returns: as `shape_files.load_shapes_of`.

    Raises:
        DataError: as there, or a file is of a video, or defines entities.
    """
    listed: dict[str, None] = {}
    roots: dict[pathlib.Path, ElementTree.Element | str] = {}

    def read(file: pathlib.Path, problems: list[Problem]) -> list[DrawnImage]:
        if isinstance(roots[file], str):
            problems.append(Problem(str(roots[file]), str(file), "skipped"))
            return []
        return _read(file, roots[file], problems)

    root = pathlib.Path(root)
    for file in [root] if root.is_file() else find_files(root, (".xml",)).paths:
        try:
            roots[file] = tree = read_xml(file)
        except UnreadableFileError as error:
            roots[file] = str(error)
            continue
        if tree.tag != "annotations":
            roots[file] = "XML file that is not CVAT's"
            continue
        if tree.find("track") is not None:
            raise DataError(
                f"{file}: is CVAT's XML of a video; export the task as 'CVAT for images 1.1', with "
                "its images."
            )
        names = (label.findtext("name") for meta in tree.iter("meta") for label in _labels(meta))
        listed.update(dict.fromkeys(name.strip() for name in names if name and name.strip()))
    return load_shapes_of(root, split, read, "CVAT's XML", ".xml", tuple(listed), images)


def _labels(meta):
    """A skeleton's parts are labels too, told by their parent."""
    return [label for label in meta.iter("label") if label.find("parent") is None]


def _read(file, tree, problems):
    found = []
    for number, image in enumerate(tree.iter("image"), start=1):
        name = (image.get("name") or "").strip()
        where = f"{file.name}, {name:.80}"
        if not name:
            place = f"{file}, image {number}"
            problems.append(Problem("picture without a file name", place, "skipped"))
            continue
        size = whole_size(_number(image.get("width")), _number(image.get("height")))
        objects = [
            _object(shape, f"{where}, shape {n}", size)
            for n, shape in enumerate(image, start=1)
            if shape.tag not in _NOT_SHAPES
        ]
        subset = image.get("subset")
        names = [*([f"{subset}/{name}"] if subset else []), name]
        found.append(DrawnImage(str(file), file.parent, names, size, objects))
    if not found:
        problems.append(Problem("annotation file without a picture", str(file), LEFT_OUT))
    return found


def _object(element, where, size):
    label = (element.get("label") or "").strip() or None
    said = {}
    if element.get("occluded") == "1":
        said["occluded"] = True
    for attribute in element.iter("attribute"):
        said[attribute.get("name", "")] = _value(attribute.text)
    is_crowd = said.pop(CROWD, None) in (True, 1)
    return DrawnObject(where, label, _shape(element, size), said, is_crowd)


def _shape(element: ElementTree.Element, size: tuple[int, int] | None) -> Shape | str:
    def numbers(*keys):
        return finite_numbers([_number(element.get(key)) for key in keys])

    turn = _number(element.get("rotation")) or 0.0
    kind = element.tag
    if kind == "box":
        corners = numbers("xtl", "ytl", "xbr", "ybr")
        if not corners or finite_numbers([turn]) is None:
            return "shape without its numbers"
        left, top, right, bottom = corners
        box = (left, top, right - left, bottom - top)
        return turned_rectangle(*box, turn, True) if turn else (list(box), None, None)
    if kind == "ellipse":
        values = numbers("cx", "cy", "rx", "ry")
        if not values or finite_numbers([turn]) is None:
            return "shape without its numbers"
        x, y, across, along = values
        return ellipse_shape(x, y, across, along, float(np.radians(turn)))
    if kind == "polygon":
        points = [point.split(",") for point in (element.get("points") or "").split(";")]
        flat = finite_numbers([_number(value) for point in points for value in point])
        if not flat or len(points) < 3 or any(len(point) != 2 for point in points):
            return "shape without its points"
        return polygon_shape(np.reshape(flat, (-1, 2)))
    if kind == "mask":
        return _painted(element, numbers("left", "top", "width", "height"), size)
    return f"shape that covers nothing ({kind!r:.40})"


def _painted(element, place, size):
    """A mask: its box, and run lengths of what is in it, row by row, the first of nothing."""
    counts = finite_numbers([_number(one) for one in (element.get("rle") or "").split(",")])
    if not counts or not place or size is None:
        return "shape without its numbers"
    left, top, width, height = (int(value) for value in place)
    fits = 0 <= left < left + width <= size[0] and 0 <= top < top + height <= size[1]
    if not fits or min(counts) < 0 or sum(counts) != width * height:
        return "mask that does not fit its picture"
    values = np.arange(len(counts)) % 2 == 1
    crop = np.repeat(values, np.array(counts, "int64")).reshape(height, width)
    if not crop.any():
        return "mask that covers nothing"
    mask = crop_run_lengths(crop, left, top, *size)
    return [float(value) for value in place], mask, float(crop.sum())


def _number(text):
    try:
        return float(text)
    except (TypeError, ValueError):
        return None


def _value(text):
    """What an attribute says: a truth, a number, or words."""
    text = (text or "").strip()
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    number = _number(text)
    return text if number is None or not np.isfinite(number) else number
