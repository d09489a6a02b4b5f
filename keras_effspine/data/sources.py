"""From what the user names as data to a record set."""

import pathlib

import numpy as np
from PIL import Image

from keras_effspine.data.checks import check_images
from keras_effspine.data.formats.coco import load_coco
from keras_effspine.data.orientation import upright_size
from keras_effspine.data.record import Record, RecordSet
from keras_effspine.data.shapes import load_shapes
from keras_effspine.errors import DataError

SHAPES = "shapes"
"""Name of the embedded data set."""

_PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif")


def load_records(data, images=None, split="train"):
    """Loads a data set and checks its image files.

    Args:
        data: `"shapes"`, or path of a COCO JSON annotation file.
        images: folder of the image files; not for `"shapes"`.
        split: which part of a data set that has parts: `"train"` or `"val"`; a COCO JSON file has
            none and is read whole.

    Returns:
        `RecordSet`, with what was found wrong in `problems`.

    Raises:
        DataError: if the data cannot be used; the message says why.
    """
    if data == SHAPES:
        if images is not None:
            raise DataError(f"{images}: '{SHAPES}' brings its own pictures; leave the folder out.")
        return load_shapes(split)
    if pathlib.Path(data).suffix.lower() != ".json":
        raise DataError(
            f"{data}: data must be '{SHAPES}' or a COCO JSON file (*.json) with its image folder."
        )
    if images is None:
        raise DataError(f"{data}: name the folder of its pictures as well (--images).")
    if not pathlib.Path(images).is_dir():
        raise DataError(f"{images}: there is no such image folder.")
    return check_images(load_coco(data, images))


def load_pictures(path, class_names):
    """Records without annotations, for one image file or for all image files of a folder.

    Args:
        path: an image file, or a folder that holds some.
        class_names: tuple of the classes that will be predicted; their index is their id.

    Returns:
        `RecordSet`; the image ids are the file names.

    Raises:
        DataError: if there is no picture, or a file is no readable picture.
    """
    path = pathlib.Path(path)
    if path.is_dir():
        files = sorted(
            p for p in path.iterdir() if p.suffix.lower() in _PICTURE_SUFFIXES and p.is_file()
        )
        if not files:
            raise DataError(
                f"{path}: the folder holds no pictures ({' '.join(_PICTURE_SUFFIXES)})."
            )
    elif path.is_file():
        files = [path]
    else:
        raise DataError(f"{path}: there is no such file or folder.")
    records = []
    for file in files:
        try:
            with Image.open(file) as image:
                width, height = upright_size(image)
        except (OSError, Image.DecompressionBombError) as error:
            raise DataError(f"{file}: not a readable picture ({error}).") from error
        records.append(
            Record(
                image_id=file.name,
                path=file,
                width=width,
                height=height,
                boxes=np.zeros((0, 4)),
                classes=np.zeros(0, "int64"),
                areas=np.zeros(0),
                is_crowd=np.zeros(0, bool),
            )
        )
    return RecordSet(
        tuple(records),
        class_names=tuple(class_names),
        category_ids=tuple(range(len(class_names))),
        source=str(path),
    )
