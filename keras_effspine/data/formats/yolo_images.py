"""The pictures of a split of a YOLO data set: `list_images`."""

import collections
import os

from keras_effspine.data.formats.yolo_description import YoloDescription
from keras_effspine.data.images.finding import IMAGE_SUFFIXES, FoundFiles, find_files
from keras_effspine.errors import DataError


def list_images(description: YoloDescription, split: str) -> FoundFiles:
    """The pictures of a split, in the order of the list, or sorted where a folder is named.

    Args:
        description: `YoloDescription`.
        split: one of its splits.

    Returns:
        `FoundFiles`, with what was left out.

    Raises:
        DataError: a folder or list is missing, empty, or leads out of the data set's folder.
    """
    if split not in description.places:
        there = ", ".join(description.places) or "none"
        raise DataError(f"{description.path}: there is no split '{split}'; there are: {there}.")
    images, problems = [], []
    for place in description.places[split]:
        path = description.resolve(place)
        if path is None:
            raise DataError(
                f"{description.path}: '{split}: {place:.200}' leaves the data set's folder "
                f"{description.root}; name it with 'path'."
            )
        if os.path.isdir(path):
            found = find_files(path)
            images += found.paths
            problems += found.problems
        elif os.path.isfile(path):
            images += _read_list(description, path)
        else:
            raise DataError(
                f"{description.path}: '{split}: {place:.200}' is neither a folder nor a list; "
                f"looked for {str(path):.400}."
            )
    if not images:
        left_out = f"; left out: {problems[0].kind} ({problems[0].where})" if problems else ""
        raise DataError(
            f"{description.path}: the split '{split}' holds no pictures "
            f"({' '.join(IMAGE_SUFFIXES)}){left_out}."
        )
    if len(set(images)) != len(images):
        twice = next(p for p, count in collections.Counter(images).items() if count > 1)
        raise DataError(f"{description.path}: '{split}' names {twice} twice; list it once.")
    return FoundFiles(images, problems)


def _read_list(description, path):
    images = []
    try:
        content = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}).") from error
    for line in os.fsdecode(content).splitlines():
        name = line.strip()
        if not name:
            continue
        # Ultralytics reads ./ from the list's folder; other names from the data set's.
        base = path.parent if name.startswith("./") else description.root
        image = description.resolve(name.replace("\\", "/"), base)
        if image is None:
            raise DataError(
                f"{path}: {name!r:.200} leaves the data set's folder {description.root}; "
                "use a name inside of it."
            )
        images.append(image)
    return images
