"""Label files of YOLO data sets: where they lie and what their lines say."""

import math
import pathlib

import numpy as np
from PIL import Image

from keras_effspine.data.formats.drawn_shapes import polygon_shape
from keras_effspine.data.formats.object_records import ReadObject
from keras_effspine.data.formats.text_files import read_text
from keras_effspine.data.images.orientation import is_turned, stored_points, upright_size

_FARTHEST = 1e6
"""Shares of a picture's side beyond which numbers are no labels; their squares would overflow."""


def label_path(image: pathlib.Path) -> pathlib.Path:
    """Where the labels of a picture lie: the last folder `images` of its path becomes `labels`."""
    parts = list(image.parts)
    if "images" in parts[:-1]:
        parts[len(parts) - 2 - parts[-2::-1].index("images")] = "labels"
    return pathlib.Path(*parts).with_suffix(".txt")


def read_labels(image: pathlib.Path) -> tuple:
    """Reads the labels of a picture, beside it where there is no file at `label_path`.

    Labels are made on what a viewer shows. Where that has another size than the stored picture, the
    record is given it, and the picture is turned when it is read; where not, the labels are turned.

    Returns:
        Tuple of width and height; list of pairs of a line's number and its values (see
        `read_label_line`), points as shares of the size; path of the label file; and the kind of
        problem that makes the picture unusable, or None.
    """
    path = label_path(image)
    try:
        with Image.open(image) as opened:
            size, turn = upright_size(opened), None
            if is_turned(opened) and size == opened.size:
                turn = opened
    except FileNotFoundError:
        return None, [], path, "image file missing"
    except Exception:  # Pillow raises whatever a broken file leads it to
        return None, [], path, "image header unreadable"
    try:
        try:
            text = read_text(path)
        except FileNotFoundError:
            beside = image.with_suffix(".txt")
            text, path = read_text(beside), beside
    except FileNotFoundError:
        text = ""
    except (OSError, ValueError):
        return None, [], path, "label file is no text in UTF-8 or UTF-16"
    lines = enumerate(text.splitlines(), start=1)
    found = [(number, read_label_line(line)) for number, line in lines if line.strip()]
    if turn is not None:
        found = [(number, _as_stored(line, turn)) for number, line in found]
    return size, found, path, None


def read_label_line(line: str) -> tuple:
    """Reads one line of labels.

    Args:
        line: string of a class id with four numbers (center and size of a box) or with pairs of
            numbers (a polygon), all as shares of the picture's width and height.

    Returns:
        Tuple of class id and a float array `(n, 2)`: center and size, or the points of a polygon;
        or, where that makes no sense, None and the kind of problem.
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
    if max(map(abs, values[1:])) > _FARTHEST:
        return None, "box outside of its image"
    return int(values[0]), np.array(values[1:]).reshape(-1, 2)


def read_object(line: tuple, size: tuple, class_of: dict, where: str) -> ReadObject:
    """The object that a line of `read_labels` stands for.

    Args:
        line: class id and array, or None and a kind of problem.
        size: width and height of the picture in pixels.
        class_of: dictionary from class id to class index.
        where: file and line, in words.
    """
    number, values = line
    if number is None:
        return ReadObject(where, None, values)
    if number not in class_of:
        return ReadObject(where, None, "class id beyond the names")
    pixels = values * size
    if len(pixels) == 2:
        (x, y), (width, height) = pixels.tolist()
        return ReadObject(
            where, class_of[number], [x - width / 2, y - height / 2, width, height], area=None
        )
    return ReadObject(where, class_of[number], *polygon_shape(pixels))


def _as_stored(line, image):
    number, values = line
    if number is None:
        return line
    if len(values) > 2:
        return number, stored_points(values, image)
    center, size = values
    corners = stored_points(np.stack([center - size / 2, center + size / 2]), image)
    low, high = corners.min(axis=0), corners.max(axis=0)
    # A width below zero stays one, to be named as a box without area.
    sign = 1 if (size >= 0).all() else -1
    return number, np.stack([(low + high) / 2, sign * (high - low)])
