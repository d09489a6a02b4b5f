"""A part of an encoded picture, reduced while it is decoded."""

import io
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from PIL import Image, UnidentifiedImageError

from keras_effspine.data.images.image_pixels import turned_rgb
from keras_effspine.data.images.orientation import find_turn
from keras_effspine.data.record import Record


def read_window(
    content: bytes,
    record: Record,
    reduction: int,
    window: Sequence[int] | np.ndarray,
    upright: bool = False,
) -> tuple[np.ndarray, bool]:
    """Reads a part of a picture, reduced.

    Args:
        content: bytes of the encoded picture.
        record: its `Record`, for the size that the annotations count in.
        reduction: 1, 2, 4 or 8; a pixel of the result is the mean of as many along each side.
        window: top, left, height, width of the part, in pixels of the reduced picture.
        upright: as in `image_pixels.read_image`.

    Returns:
        Pair of uint8 `(height, width, 3)`, RGB, and whether the content is a plain JPEG, of which
        `tf.io.decode_and_crop_jpeg` makes the same.

    Raises:
        As `image_pixels.read_image`, and `tf.errors.OpError`.
    """
    if not content:
        raise ValueError("the file is empty")
    try:
        image: Image.Image = Image.open(io.BytesIO(content))
    except UnidentifiedImageError as error:
        raise ValueError("not a picture of a known kind") from error
    with image:
        size = (record.width, record.height)
        turn = find_turn(image, size, upright)
        if image.format == "JPEG" and image.mode in ("RGB", "L") and turn is None:
            part = tf.io.decode_and_crop_jpeg(content, window, channels=3, ratio=reduction)
            return np.asarray(memoryview(part)), True
        image = turned_rgb(image, size, upright)
        if reduction > 1:
            image = image.reduce(reduction)
        top, left, height, width = (int(side) for side in window)
        return np.asarray(image.crop((left, top, left + width, top + height))), False
