"""The parts of a COCO annotation file without which the rest means nothing."""

import json
import math
import pathlib
from collections.abc import Sequence

from keras_effspine.data.formats.coco_ids import ById, as_number
from keras_effspine.data.formats.coco_images import CocoImage, read_images, refuse_duplicates
from keras_effspine.errors import DataError
from keras_effspine.validation import shown


def read_coco_file(
    path: pathlib.Path, image_folder: pathlib.Path
) -> tuple[ById[CocoImage], dict[int, str], list]:
    """Reads a COCO annotation file and checks its images and categories.

    Args:
        path: of the JSON file.
        image_folder: folder that the file names of the images are relative to.

    Returns:
        A tuple of the `CocoImage`s by id, in the order of the file; the names of the categories by
        id, sorted by it; and the annotations, unchecked.

    Raises:
        DataError: the file is missing, is not JSON, or its images or categories make no sense.
    """
    content = _read_json(path)
    if not isinstance(content, dict):
        raise DataError(f"{path} holds no JSON object; a COCO annotation file is one.")
    for key in ("images", "annotations", "categories"):
        if not isinstance(content.get(key), list):
            raise DataError(f"{path} has no list '{key}'; a COCO annotation file needs one.")
    categories = _read_categories(content["categories"], path)
    return read_images(content["images"], path, image_folder), categories, content["annotations"]


def read_coco_categories(path: pathlib.Path) -> tuple[dict[int, str], dict[str, int | str]]:
    """Reads the categories of a COCO file of any kind, or of a bare list of categories.

    Args:
        path: of the JSON file.

    Returns:
        Pair of the names of the categories by id, sorted by it; and a dictionary from the stem of
        each picture's file name to its id, where the file lists pictures.

    Raises:
        DataError: the file cannot be read, is not JSON, or its categories make no sense.
    """
    content = _read_json(path)
    if isinstance(content, list):
        content = {"categories": content}
    if not isinstance(content, dict) or not isinstance(content.get("categories"), list):
        raise DataError(f"{path} has no list 'categories', which names the classes of label maps.")
    categories = _read_categories(content["categories"], path)
    entries = content.get("images")
    entries = entries if isinstance(entries, list) else []
    images = read_images(entries, path, pathlib.Path())
    return categories, {image.path.stem: image.id for image in images.values()}


def numbers(values: Sequence) -> list[float] | None:
    """Returns a list of floats, or None if one of the values is not a number."""
    if not all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values):
        return None
    try:
        return [float(value) for value in values]
    except OverflowError:  # an integer beyond the largest float
        return [math.inf for _ in values]


def _read_json(path: pathlib.Path) -> object:
    try:
        return json.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise DataError(
            f"Cannot read the annotation file {path} ({error.strerror}); check the path."
        ) from error
    except json.JSONDecodeError as error:
        raise DataError(
            f"{path} is not valid JSON (line {error.lineno}, column {error.colno}: {error.msg}); "
            "it may be cut short, so fetch or write it again."
        ) from error
    except (ValueError, RecursionError) as error:  # bytes that are no UTF-8, endless nesting
        raise DataError(f"{path} is not valid JSON ({error}); fetch or write it again.") from error


def _read_categories(entries: list, path: pathlib.Path) -> dict[int, str]:
    found = []
    for position, entry in enumerate(entries, start=1):
        number = as_number(entry.get("id")) if isinstance(entry, dict) else None
        if number is None or not isinstance(entry.get("name"), str):
            raise DataError(
                f"{path}: category number {position} needs an integer id and a name: "
                f"{shown(entry)}."
            )
        found.append((number, entry["name"]))
    if not found:
        raise DataError(f"{path} has no categories; list at least one class there.")
    refuse_duplicates([number for number, _ in found], "category", path)
    return dict(sorted(found))
