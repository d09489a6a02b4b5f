"""Records of pictures with label maps, whatever names the two."""

import concurrent.futures
import pathlib
from collections.abc import Sequence

from PIL import Image

from keras_effspine.data.images.finding import IMAGE_SUFFIXES
from keras_effspine.data.images.image_bytes import shown_size
from keras_effspine.data.record import Problem, Record, record_without_objects
from keras_effspine.data.semantic_map import Labels, SemanticMap

MAP_SUFFIXES = tuple(s for s in IMAGE_SUFFIXES if s not in (".jpg", ".jpeg", ".jpe", ".jfif"))
"""Suffixes of label maps: JPEG does not keep the values of pixels, and so not the labels."""


def map_records(
    found: Sequence[tuple[int | str, pathlib.Path, pathlib.Path]], labels: Labels
) -> tuple[list[Record], list[Problem]]:
    """Makes the records of pictures, each of the size of its label map.

    Args:
        found: list of tuples of image id, path of the picture, and path of its label map, which
            may be missing.
        labels: what the maps' values mean; see `SemanticMap`.

    Returns:
        Pair of the list of `Record` and the list of `Problem`: pictures without a label map, or
        with one that cannot be opened, are skipped.
    """
    Image.preinit()  # once, before the threads ask for it at the same time
    with concurrent.futures.ThreadPoolExecutor() as pool:
        sizes = list(pool.map(_size, found))
    records, problems = [], []
    for (image_id, image_path, path), size in zip(found, sizes, strict=True):
        if isinstance(size, str):
            problems.append(Problem(size, f"{path}, image {image_id}", "skipped"))
            continue
        records.append(
            record_without_objects(
                image_id=image_id,
                path=image_path,
                width=size[0],
                height=size[1],
                semantic_map=SemanticMap(path, labels),
            )
        )
    return records, problems


def _size(found: tuple[int | str, pathlib.Path, pathlib.Path]) -> tuple[int, int] | str:
    """Width and height, or what is wrong with the label map."""
    _, image_path, path = found
    if not path.is_file():
        return "label map missing"
    # The size of a MATLAB file is seen when it is read; the picture's must do before.
    is_image = path.suffix != ".mat"
    try:
        if not is_image:
            return shown_size(image_path)
        with Image.open(path) as image:
            return image.size
    except Exception:  # Pillow raises whatever a broken file leads it to
        return "label map is no readable picture" if is_image else "picture unreadable"
