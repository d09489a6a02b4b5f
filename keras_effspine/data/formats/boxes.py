"""Boxes held against their picture, the same for all formats."""

import math
from typing import Any

from PIL import Image

SMALLEST_SIDE = 1e-3
"""Pixels below which a side is none: a float32, as boxes are later, cannot tell its ends apart."""

# COCO's own boxes reach over the edge of the picture by rounding; more than this is a mistake.
ALLOWED_OVERHANG = 1.0


def whole_size(width: Any, height: Any) -> tuple[int, int] | None:
    """Width and height as integers; None where they are no size that a picture can have."""
    for side in (width, height):
        if isinstance(side, bool) or not isinstance(side, (int, float)):
            return None
        if not 1 <= side < 1e9 or side != int(side):  # also what is no number
            return None
    # Pillow opens none of more pixels, and label maps of that size would be made.
    most = 2 * (Image.MAX_IMAGE_PIXELS or 1 << 30)
    return (int(width), int(height)) if width * height <= most else None


def fit_box(
    box: list[float], width: int, height: int
) -> tuple[list[float] | None, str | None, str]:
    """Holds a box against its picture.

    Args:
        box: list of four floats, `xywh` in pixels.
        width: width of the picture in pixels.
        height: height of the picture in pixels.

    Returns:
        Tuple of the box to keep, or None; the kind of problem, or None; and what was done about it,
        `"dropped"`, `"clipped"`, or `""`. A box that reaches out by up to a pixel is kept as it is.
    """
    left, top, box_width, box_height = box
    right, bottom = left + box_width, top + box_height
    if not all(map(math.isfinite, (left, top, right, bottom))):
        return None, "box is not finite", "dropped"
    if box_width < SMALLEST_SIDE or box_height < SMALLEST_SIDE:
        return None, "box without area", "dropped"
    if left >= width or top >= height or right <= 0 or bottom <= 0:
        return None, "box outside of its image", "dropped"
    if max(-left, -top, right - width, bottom - height) <= ALLOWED_OVERHANG:
        return box, None, ""
    left, top = max(left, 0.0), max(top, 0.0)
    clipped = [left, top, min(right, width) - left, min(bottom, height) - top]
    if min(clipped[2:]) < SMALLEST_SIDE:
        return None, "box outside of its image", "dropped"
    return clipped, "box reaches out of its image", "clipped"
