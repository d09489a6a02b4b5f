"""Anchors: the boxes from which a detector's predictions differ."""

from collections.abc import Sequence

import numpy as np


def pyramid_anchors(
    image_size: Sequence[int],
    levels: Sequence[int],
    size_over_stride: float,
    aspect_ratios: Sequence[float],
) -> dict[int, np.ndarray]:
    """The anchors of one scale of each level, as constants.

    Args:
        image_size: height and width of the input in pixels.
        levels: levels; level `l` has stride `2**l` and `ceil(size / 2**l)` places along a side.
        size_over_stride: side of the square anchor over the level's stride.
        aspect_ratios: height over width, at equal area.

    Returns:
        Dictionary from level to float32 `(places * ratios, 4)`, yxyx in pixels, place by place
        along rows. They are not clipped.
    """
    anchors = {}
    for level in levels:
        stride = 2**level
        side, roots = stride * size_over_stride, np.sqrt(aspect_ratios)
        sizes = np.stack([side * roots, side / roots], axis=-1)  # height, width
        y, x = ((np.arange(-(-length // stride)) + 0.5) * stride for length in image_size)
        centers = np.stack(np.meshgrid(y, x, indexing="ij"), axis=-1).reshape(-1, 1, 2)
        corners = np.concatenate([centers - sizes / 2, centers + sizes / 2], axis=-1)
        anchors[level] = corners.reshape(-1, 4).astype("float32")
    return anchors
