"""Pictures of every kind as RGB, seen the way their record sees them; with Pillow alone.

Grey is spread over the channels, alpha is dropped, palettes and CMYK are converted, 16 bits are
scaled to 8, and of an animation the first frame counts. Which way up a picture is, `orientation`
decides. What Pillow refuses to open for its size (a decompression bomb: more than twice
`PIL.Image.MAX_IMAGE_PIXELS`, 179 million pixels) is refused by its header.
"""

import numpy as np
from PIL import Image

from keras_effspine.data.images.image_bytes import open_image
from keras_effspine.data.images.orientation import find_turn
from keras_effspine.data.record import Record


def read_image(record: Record, upright: bool = False) -> np.ndarray:
    """Reads a whole picture.

    Args:
        record: `Record`.
        upright: whether the picture is shown as a viewer shows it; see `orientation.find_turn`.

    Returns:
        uint8 `(height, width, 3)`, RGB.

    Raises:
        OSError, ValueError: the picture cannot be read, or has not the size that its record says;
            other errors of Pillow for broken files.
    """
    with open_image(record) as image:
        return np.asarray(turned_rgb(image, (record.width, record.height), upright))


def turned_rgb(image: Image.Image, size: tuple[int, int], upright: bool = False) -> Image.Image:
    """An open picture in RGB, the way up that its annotations see it.

    Args:
        image: `PIL.Image.Image`.
        size: width and height that the annotations say.
        upright: as in `orientation.find_turn`.

    Returns:
        `PIL.Image.Image`.

    Raises:
        ValueError: the picture has another size, or 32 bits a channel.
    """
    turn = find_turn(image, size, upright)
    image = _as_rgb(image)
    return image if turn is None else image.transpose(turn)


def _as_rgb(image):
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG"):
        # Pillow would cut off what is above 255.
        values = np.asarray(image).astype("float32") / 257
        image = Image.fromarray(np.clip(np.round(values), 0, 255).astype("uint8"))
    elif image.mode in ("I", "F"):
        raise ValueError("the picture has 32 bits a channel; store it with 8 or 16")
    return image.convert("RGB")
