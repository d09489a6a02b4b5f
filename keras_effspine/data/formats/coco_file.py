"""The parts of a COCO annotation file without which the rest means nothing."""

import json
import math
import pathlib

from keras_effspine.data.formats.file_names import leaves_folder
from keras_effspine.errors import DataError


def read_coco_file(path):
    """Reads a COCO annotation file and checks its images and categories.

    Args:
        path: `pathlib.Path` of the JSON file.

    Returns:
        A tuple of the image entries by id, in the order of the file and with whole sizes; the
        category entries, sorted by id; and the annotations, unchecked.

    Raises:
        DataError: the file is missing, is not JSON, or its images or categories make no sense.
    """
    content = _read_content(path)
    categories = _read_categories(content["categories"], path)
    return _read_images(content["images"], path), categories, content["annotations"]


def read_coco_categories(path):
    """Reads the categories of a COCO file of any kind, or of a bare list of categories.

    Args:
        path: `pathlib.Path` of the JSON file.

    Returns:
        Pair of the category entries, sorted by id, and a dictionary from the stem of each picture's
        file name to its id, where the file lists pictures.

    Raises:
        DataError: the file cannot be read, is not JSON, or its categories make no sense.
    """
    content = _read_json(path)
    if isinstance(content, list):
        content = {"categories": content}
    if not isinstance(content, dict) or not isinstance(content.get("categories"), list):
        raise DataError(f"{path} has no list 'categories', which names the classes of label maps.")
    categories = _read_categories(content["categories"], path)
    images = _read_images(content["images"], path) if content.get("images") else {}
    stems = {pathlib.PurePosixPath(one["file_name"]).stem: one["id"] for one in images.values()}
    return categories, stems


def numbers(values):
    """Returns a list of floats, or None if one of the values is not a number."""
    if not all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values):
        return None
    try:
        return [float(value) for value in values]
    except OverflowError:  # an integer beyond the largest float
        return [math.inf for _ in values]


def is_integer(value):
    return isinstance(value, int) and not isinstance(value, bool)


def is_id(value):
    return is_integer(value) or isinstance(value, str)


def _read_json(path):
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


def _read_content(path):
    content = _read_json(path)
    if not isinstance(content, dict):
        raise DataError(f"{path} holds no JSON object; a COCO annotation file is one.")
    for key in ("images", "annotations", "categories"):
        if not isinstance(content.get(key), list):
            raise DataError(f"{path} has no list '{key}'; a COCO annotation file needs one.")
    return content


def _read_categories(entries, path):
    for position, entry in enumerate(entries, start=1):
        good = isinstance(entry, dict) and is_integer(entry.get("id"))
        if not good or not isinstance(entry.get("name"), str):
            raise DataError(
                f"{path}: category number {position} needs an integer id and a name: {entry!r:.80}."
            )
    if not entries:
        raise DataError(f"{path} has no categories; list at least one class there.")
    _refuse_duplicates([entry["id"] for entry in entries], "category", path)
    return sorted(entries, key=lambda entry: entry["id"])


def _read_images(entries, path):
    """Returns the image entries by id, with sizes as integers."""
    images = []
    for position, entry in enumerate(entries, start=1):
        if not isinstance(entry, dict) or not is_id(entry.get("id")):
            raise DataError(f"{path}: image number {position} of the list has no id; give it one.")
        where = f"{path}, image {entry['id']}"
        file_name = entry.get("file_name")
        if not isinstance(file_name, str) or not file_name.strip() or "\0" in file_name:
            raise DataError(f"{where}: file_name is missing or is no text; name the image file.")
        if leaves_folder(file_name):
            raise DataError(
                f"{where}: file_name {file_name!r} leaves the image folder; "
                "use a path inside of that folder."
            )
        size = numbers([entry.get("width"), entry.get("height")])
        if size is None or not all(side >= 1 and side.is_integer() for side in size):
            raise DataError(f"{where}: width and height must be whole numbers of pixels above 0.")
        images.append({**entry, "width": int(size[0]), "height": int(size[1])})
    ids = [image["id"] for image in images]
    _refuse_duplicates(ids, "image", path)
    if len({type(image_id) for image_id in ids}) > 1:
        raise DataError(f"{path} mixes numbers and text as image ids; use one of the two.")
    return dict(zip(ids, images, strict=True))


def _refuse_duplicates(ids, what, path):
    seen = set()
    for one in ids:
        if one in seen:
            raise DataError(f"{path}: {what} id {one} occurs twice; give each {what} its own id.")
        seen.add(one)
