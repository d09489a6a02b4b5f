"""Which way up a picture is.

Cameras store the pixels as they come and note in EXIF how to turn them. Annotations mostly count
pixels as stored, as pycocotools and TensorFlow read them, but some tools annotate what a viewer
shows. So a picture whose stored size is its record's is taken as stored, and one whose size becomes
its record's by the turn of its EXIF is turned.
"""

import numpy as np
from PIL import ExifTags, Image

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


# Of the pixels as shown: whether the axes change places, and then whether x and y run backwards.
_AXES = {
    2: (False, True, False),
    3: (False, True, True),
    4: (False, False, True),
    5: (True, False, False),
    6: (True, True, False),
    7: (True, True, True),
    8: (True, False, True),
}


_SAYS_MORE = {"exif", "Raw profile type exif", "xmp", "XML:com.adobe.xmp"}
"""What Pillow calls the parts of a header in which the way up may stand."""


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Width and height of a `PIL.Image.Image` as a viewer shows it."""
    width, height = image.size
    return (height, width) if _orientation(image) in (5, 6, 7, 8) else (width, height)


def find_turn(
    image: Image.Image, size: tuple[int, int], upright: bool = False
) -> Image.Transpose | None:
    """How a picture is turned to be seen as its annotations see it.

    Args:
        image: `PIL.Image.Image`, of which the header is read.
        size: width and height that the annotations say.
        upright: whether it is to be seen as a viewer shows it even if it has the size as stored:
            for pictures without annotations.

    Returns:
        `PIL.Image.Transpose`, or None where the picture is seen as stored.

    Raises:
        ValueError: the picture has another size either way.
    """
    if image.size == size and not upright:
        return None
    if upright_size(image) == size:
        return _TURNS.get(_orientation(image))
    raise ValueError(
        f"the picture has {image.width}x{image.height} pixels, its annotation says "
        f"{size[0]}x{size[1]}"
    )


def shown_points(points: np.ndarray, image: Image.Image) -> np.ndarray:
    """Points of the stored picture, where a viewer shows them.

    Args:
        points: float array `(n, 2)`, x and y as shares of width and height.
        image: the picture, of which the header is read.
    """
    swapped, x_back, y_back = _AXES.get(_orientation(image), (False, False, False))
    points = points[:, ::-1] if swapped else points
    return np.where([x_back, y_back], 1 - points, points)


def stored_points(points: np.ndarray, image: Image.Image) -> np.ndarray:
    """The inverse of `shown_points`."""
    swapped, x_back, y_back = _AXES.get(_orientation(image), (False, False, False))
    points = np.where([x_back, y_back], 1 - points, points)
    return points[:, ::-1] if swapped else points


def is_turned(image: Image.Image) -> bool:
    """Whether a viewer shows the picture in another way than it is stored."""
    return _orientation(image) in _AXES


def _orientation(image):
    if image.format == "TIFF":
        return None  # Pillow turns these itself
    if not _SAYS_MORE & image.info.keys():
        return None  # most pictures; to ask Pillow takes as long as to read the header
    # The method of a PNG would decode the picture, to find what stands behind its pixels.
    return Image.Image.getexif(image).get(ExifTags.Base.Orientation)
