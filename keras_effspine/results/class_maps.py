"""From coarse logits to the classes of a picture's own pixels."""

from collections.abc import Sequence

import numpy as np

from keras_effspine.data.images.letterbox import stride_of

_STRIP = 2**22
"""Numbers that are interpolated at a time."""


def map_in_picture(logits: np.ndarray, scale: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The classes of a picture's pixels from the logits of its canvas.

    Args:
        logits: float32 `(rows, columns, classes)`, each of so many pixels of the canvas along each
            side as the picture fills it with.
        scale: float `(2,)`, pixels of the canvas over pixels of the picture along y, x.
        size: height and width of the picture.

    Returns:
        uint8 `(height, width)`.
    """
    stride = stride_of(float(np.max(scale * size)), len(logits))
    return class_map(logits, scale / stride, size)


def class_map(
    logits: np.ndarray, scale: Sequence[float] | np.ndarray, size: tuple[int, int]
) -> np.ndarray:
    """Interpolates logits bilinearly at the middle of each pixel, and takes the largest.

    The pixels are computed in strips, so that many classes of a large picture fit the memory.

    Args:
        logits: float32 `(rows, columns, classes)`.
        scale: pair of the rows and columns of `logits` that a pixel of the picture covers along y
            and x.
        size: height and width of the picture, which begins at the top left of `logits`.

    Returns:
        uint8 `(height, width)`.
    """
    height, width = size
    left, right, across = _taps(width, scale[1], logits.shape[1])
    above, below, down = _taps(height, scale[0], logits.shape[0])
    strip = max(1, _STRIP // (width * logits.shape[2]))
    classes = np.empty((height, width), "uint8")
    for start in range(0, height, strip):
        rows = slice(start, start + strip)
        part = _between(logits, above[rows], below[rows], down[rows][:, None, None], axis=0)
        part = _between(part, left, right, across[:, None], axis=1)
        classes[rows] = part.argmax(axis=-1)
    return classes


def _taps(count, scale, length):
    """The two places that each pixel lies between, and the share of the second."""
    at = np.clip((np.arange(count) + 0.5) * scale - 0.5, 0, length - 1)
    low = np.floor(at).astype("int32")
    return low, np.minimum(low + 1, length - 1), (at - low).astype("float32")


def _between(x, low, high, share, axis):
    low, high = x.take(low, axis=axis), x.take(high, axis=axis)
    high -= low
    high *= share
    high += low
    return high
