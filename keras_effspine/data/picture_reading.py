"""Encoded pictures of every kind as RGB, seen the way their record sees them.

Grey is spread over the channels, alpha is dropped, palettes and CMYK are converted, 16 bits are
scaled to 8, and of an animation the first frame counts. Which way up a picture is, `orientation`
decides. What Pillow refuses to open for its size (a decompression bomb: more than twice
`PIL.Image.MAX_IMAGE_PIXELS`, 179 million pixels) is refused by its header.
"""

import io

import numpy as np
import tensorflow as tf
from PIL import Image, UnidentifiedImageError

from keras_effspine.data.orientation import find_turn
from keras_effspine.data.picture_bytes import read_picture_bytes


def read_picture(record, upright=False):
    """Reads a whole picture.

    Args:
        record: `Record`.
        upright: whether the picture is shown as a viewer shows it; see `orientation.find_turn`.

    Returns:
        uint8 `(height, width, 3)`, RGB.

    Raises:
        OSError, ValueError: the picture cannot be read; other errors of Pillow for broken files.
    """
    whole = (0, 0, record.height, record.width)
    return read_window(read_picture_bytes(record), record, 1, whole, upright)[0]


def read_window(content, record, reduction, window, upright=False):
    """Reads a part of a picture, reduced.

    Args:
        content: bytes of the encoded picture.
        record: its `Record`, for the size that the annotations count in.
        reduction: 1, 2, 4 or 8; a pixel of the result is the mean of as many along each side.
        window: top, left, height, width of the part, in pixels of the reduced picture.
        upright: as in `read_picture`.

    Returns:
        Pair of uint8 `(height, width, 3)`, RGB, and whether the content is a plain JPEG, of which
        `tf.io.decode_and_crop_jpeg` makes the same.

    Raises:
        As `read_picture`, and `tf.errors.OpError`.
    """
    if not content:
        raise ValueError("the file is empty")
    try:
        image = Image.open(io.BytesIO(content))
    except UnidentifiedImageError as error:
        raise ValueError("not a picture of a known kind") from error
    with image:
        turn = find_turn(image, (record.width, record.height), upright)
        if image.format == "JPEG" and image.mode in ("RGB", "L") and turn is None:
            part = tf.io.decode_and_crop_jpeg(content, window, channels=3, ratio=reduction)
            return np.asarray(memoryview(part)), True
        image = _as_rgb(image)
        if turn is not None:
            image = image.transpose(turn)
        if reduction > 1:
            image = image.reduce(reduction)
        top, left, height, width = (int(side) for side in window)
        return np.asarray(image.crop((left, top, left + width, top + height))), False


def _as_rgb(image):
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG"):
        # Pillow would cut off what is above 255.
        values = np.asarray(image).astype("float32") / 257
        image = Image.fromarray(np.clip(np.round(values), 0, 255).astype("uint8"))
    elif image.mode in ("I", "F"):
        raise ValueError("the picture has 32 bits a channel; store it with 8 or 16")
    return image.convert("RGB")
