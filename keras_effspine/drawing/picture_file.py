"""Drawn pictures as files."""

import pathlib

import numpy as np
from PIL import Image

SUFFIXES = (".png", ".jpg", ".jpeg")
"""Of files that `save_drawing` writes."""
_JPEG_QUALITY = 90


def save_drawing(image: np.ndarray, file: pathlib.Path) -> None:
    """Writes a drawn picture as the file's suffix says.

    PNG with little compression: the most that it can takes five times as long for a file that is a
    sixth smaller, longer than a small network takes for the picture.

    Args:
        image: uint8 `(height, width, 3)`.
        file: path, with one of `SUFFIXES`.
    """
    picture = Image.fromarray(image)
    if file.suffix.lower() == ".png":
        picture.save(file, "PNG", compress_level=1)
    else:
        picture.save(file, "JPEG", quality=_JPEG_QUALITY)
