"""The classes of a YOLO data set: `check_names` and `read_names`."""

import json
import pathlib

from keras_effspine.data.formats.text_files import read_text
from keras_effspine.errors import DataError


def check_names(names: object, path: pathlib.Path) -> dict[int, str]:
    """Dictionary from class id to name, sorted by id, of what a file says: that, or a list.

    Raises:
        DataError: it is neither, or empty; the message begins with `path`.
    """
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not names:
        raise DataError(f"{path}: 'names' lists no classes; list at least one there.")
    for number, name in names.items():
        good = isinstance(number, int) and not isinstance(number, bool) and number >= 0
        if not good or isinstance(name, (list, dict)) or name is None or not str(name).strip():
            raise DataError(f"{path}: class {number!r:.40} of 'names' needs a number and a name.")
    return {number: str(names[number]) for number in sorted(names)}


def read_names(path: pathlib.Path) -> dict[int, str]:
    """As `check_names`, of a file with a name on each line, or of Label Studio's `notes.json`."""
    lines = read_lines(path)
    if path.suffix == ".json":
        try:
            entries = json.loads("\n".join(lines))["categories"]
            named = {one["id"]: one["name"] for one in entries}
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise DataError(f"{path}: has no 'categories' with ids and names.") from error
        return check_names(named, path)
    names = [line.strip() for line in lines]
    while names and not names[-1]:
        names.pop()
    return check_names(names, path)


def read_lines(path: pathlib.Path) -> list[str]:
    """The lines of a text file.

    Raises:
        DataError: it cannot be read as text.
    """
    try:
        return read_text(path).splitlines()
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read as text ({error!s:.200}).") from error
