"""The embedded data set, which is drawn instead of downloaded."""

import concurrent.futures
import dataclasses
import json
import os
import pathlib
import sys

import numpy as np
from PIL import Image

from keras_effspine.atomic_file import whole_folder
from keras_effspine.cache_folder import cache_folder
from keras_effspine.data.formats.coco import load_coco
from keras_effspine.data.record import RecordSet
from keras_effspine.data.shapes.drawing import CLASS_NAMES, draw_image
from keras_effspine.errors import DataError

# Whoever changes what is drawn raises the version, so that no cache serves the old pictures.
VERSION = "shapes-v1"
COUNTS = {"train": 600, "val": 120}
SEED = 20


def load_shapes(split: str, folder: str | os.PathLike | None = None) -> RecordSet:
    """Loads the embedded data set, which is drawn on the first call and cached.

    The cache folder is `shapes-v1` inside of the one that the environment variable `EFFSPINE_CACHE`
    names, or else inside of `~/.cache/keras_effspine`.

    Args:
        split: `"train"` (600 pictures) or `"val"` (120 pictures).
        folder: folder of the data set itself, in place of the cache.

    Returns:
        A `RecordSet`.

    Raises:
        DataError: there is no such split, or the folder cannot be used.
    """
    if split not in COUNTS:
        raise DataError(f"The shapes have no split {split!r}; choose one of {', '.join(COUNTS)}.")
    folder = cache_folder() / VERSION if folder is None else pathlib.Path(folder)
    if not _is_whole(folder):
        print(f"Drawing the shapes data set into {folder}, once.", file=sys.stderr)
        write_shapes(folder)
    record_set = load_coco(folder / f"{split}.json", folder / split)
    return dataclasses.replace(record_set, format="embedded data set", split=split)


def write_shapes(folder: str | os.PathLike, counts: dict[str, int] | None = None) -> None:
    """Draws the embedded data set as `train.json`, `val.json`, and PNG files in `train` and `val`.

    The folder appears whole or not at all. If another process is first, its folder stays.

    Args:
        folder: path of the folder to make; it may exist if it is empty.
        counts: number of pictures of each split; `COUNTS` by default. A smaller data set holds the
            first pictures of a larger one.

    Raises:
        DataError: the folder holds something else, or cannot be written.
    """
    folder = pathlib.Path(os.path.abspath(folder))
    try:
        with whole_folder(folder) as part:
            for split, count in (counts or COUNTS).items():
                _write_split(part, split, count)
    except OSError as error:
        if not _is_whole(folder):
            raise DataError(
                f"Cannot write the shapes data set to {folder} ({error.strerror}); "
                "name an empty folder that can be written, or set EFFSPINE_CACHE to one."
            ) from error


def _is_whole(folder):
    # The folder gets its name last, so that what lies in it by these names is complete.
    return all((folder / f"{split}.json").is_file() for split in COUNTS)


def _write_split(folder, split, count):
    (folder / split).mkdir()

    def write_image(index):
        seed = [SEED, list(COUNTS).index(split), index]
        pixels, annotations = draw_image(np.random.Generator(np.random.PCG64(seed)))
        file_name = f"{index + 1:06d}.png"
        # The grain of the pictures gains little from a longer search.
        Image.fromarray(pixels).save(folder / split / file_name, compress_level=1)
        height, width, _ = pixels.shape
        image = {"id": index + 1, "file_name": file_name, "width": width, "height": height}
        return image, annotations

    with concurrent.futures.ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        images = list(pool.map(write_image, range(count)))
    objects = [
        {"image_id": image["id"], **annotation}
        for image, annotations in images
        for annotation in annotations
    ]
    content = {
        "info": {"description": f"{VERSION}, {split}"},
        "images": [image for image, _ in images],
        "annotations": [{"id": number, **item} for number, item in enumerate(objects, start=1)],
        "categories": [{"id": n, "name": name} for n, name in enumerate(CLASS_NAMES, start=1)],
    }
    (folder / f"{split}.json").write_text(json.dumps(content), encoding="utf-8")
