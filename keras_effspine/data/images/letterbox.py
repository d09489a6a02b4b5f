"""A picture on the network's canvas, in NumPy: what `stream.placement.letterbox` makes of it."""

import math
import typing

import numpy as np
from PIL import Image

from keras_effspine.data.images.image_bytes import open_image
from keras_effspine.data.images.image_pixels import turned_rgb
from keras_effspine.data.images.orientation import find_turn
from keras_effspine.data.record import Record

_MOST_HALVINGS = 3


class Letterboxed(typing.NamedTuple):
    """A picture that fills its canvas from the top left.

    Args:
        image: float32 `(height, width, 3)`, RGB from 0 to 255, zero beside the picture.
        scale: float32 `(2,)`, pixels of the canvas over pixels of the picture along y, x.
    """

    image: np.ndarray
    scale: np.ndarray


def stride_of(canvas: float, places: int) -> int:
    """Pixels of a square canvas that a place of a map covers, a power of two.

    Args:
        canvas: its height and width in pixels; a pixel more or less does not matter.
        places: rows and columns of the map, `ceil(canvas / stride)`.
    """
    return 2 ** round(math.log2(canvas / places))


def letterbox(image: np.ndarray, canvas: tuple[int, int]) -> Letterboxed:
    """Puts a picture onto a canvas: as large as it fits, its aspect kept.

    Args:
        image: uint8 `(height, width, 3)`, RGB.
        canvas: height and width in pixels.
    """
    plan = LetterboxPlan.of(image.shape[:2], canvas)
    if plan.reduction > 1:
        image = np.asarray(Image.fromarray(image).reduce(plan.reduction))
    return plan.carried_out(image)


def read_letterboxed(record: Record, canvas: tuple[int, int], upright: bool = False) -> Letterboxed:
    """Reads a record's picture onto a canvas.

    A large JPEG is reduced while it is decoded, as in training.

    Args:
        record: `Record`.
        canvas: height and width in pixels.
        upright: as in `data.images.image_pixels.read_image`.

    Raises:
        OSError, ValueError: as `read_image`.
    """
    shape = (record.height, record.width)
    plan = LetterboxPlan.of(shape, canvas)
    reduced = tuple(-(-side // plan.reduction) for side in shape)
    with open_image(record) as image:
        turn = find_turn(image, shape[::-1], upright)
        if image.format == "JPEG" and image.mode in ("RGB", "L") and turn is None:
            image.draft(None, (record.width // plan.reduction, record.height // plan.reduction))
            rgb = image.convert("RGB")
        else:
            rgb = turned_rgb(image, shape[::-1], upright)
        if rgb.size[::-1] != reduced:
            rgb = rgb.reduce(plan.reduction)
        return plan.carried_out(np.asarray(rgb))


class LetterboxPlan(typing.NamedTuple):
    """What becomes of a picture of some size: see `stream.placement.Placement`.

    Args:
        canvas: height and width in pixels.
        reduction: 1, 2, 4 or 8; so many pixels along each side are averaged first.
        window: height and width of the part of the reduced picture that is shown: all of it.
        target: height and width that it is resized to.
    """

    canvas: tuple[int, int]
    reduction: int
    window: tuple[int, int]
    target: tuple[int, int]

    @classmethod
    def of(cls, shape: tuple[int, int], canvas: tuple[int, int]) -> "LetterboxPlan":
        """The plan for a picture of height and width `shape`."""
        scale = min(side / length for side, length in zip(canvas, shape, strict=True))
        halvings = sum(scale * 2**step <= 1 for step in range(1, _MOST_HALVINGS + 1))
        reduction = 2**halvings
        scale *= reduction
        (rows, height), (columns, width) = (
            (min(math.ceil(side / scale), -(-length // reduction)), side)
            for side, length in zip(canvas, shape, strict=True)
        )
        target = (
            min(max(round(rows * scale), 1), height),
            min(max(round(columns * scale), 1), width),
        )
        return cls(canvas, reduction, (rows, columns), target)

    @property
    def scale(self) -> np.ndarray:
        """Pixels of the canvas over pixels of the picture along y, x: float32 `(2,)`."""
        covered = np.array(self.window, "float32") * self.reduction
        return np.array(self.target, "float32") / covered

    def carried_out(self, reduced: np.ndarray) -> Letterboxed:
        height, width = self.window
        part = reduced[:height, :width].astype("float32")
        image = np.zeros((*self.canvas, 3), "float32")
        image[: self.target[0], : self.target[1]] = _resized(part, self.target)
        return Letterboxed(image, self.scale)


def _resized(part: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Bilinear without a filter against aliasing, as `tf.image.resize` does it."""
    if part.shape[:2] == size:
        return part
    left, right, across = _taps(part.shape[1], size[1])
    above, below, down = _taps(part.shape[0], size[0])
    rows = part[:, left]
    rows += (part[:, right] - rows) * across[:, None]
    image = rows[above]
    image += (rows[below] - image) * down[:, None, None]
    return image


def _taps(length: int, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The two places that each result lies between, and the share of the second."""
    at = (np.arange(count, dtype="float32") + np.float32(0.5)) * np.float32(length / count)
    at -= np.float32(0.5)
    low = np.floor(at)
    first = np.maximum(low, 0).astype(int)
    second = np.minimum(np.ceil(at), length - 1).astype(int)
    return first, second, at - low
