"""Anchors: the boxes from which a detector's predictions differ."""

from collections.abc import Sequence

import numpy as np


def pyramid_anchors(
    image_size: Sequence[int],
    levels: Sequence[int],
    size_over_stride: float,
    scales: Sequence[float],
    aspect_ratios: Sequence[float],
) -> dict[int, np.ndarray]:
    """The anchors of each level, as constants.

    Args:
        image_size: height and width of the input in pixels.
        levels: levels; level `l` has stride `2**l` and `ceil(size / 2**l)` places along a side.
        size_over_stride: side of the square anchor of scale 1 over the level's stride.
        scales: factors of the side.
        aspect_ratios: height over width, at equal area.

    Returns:
        Dictionary from level to float32 `(places * scales * ratios, 4)`, yxyx in pixels, place by
        place along rows, at each place scale by scale. They are not clipped.
    """
    return {
        level: _level_anchors(image_size, 2**level, size_over_stride, scales, aspect_ratios)
        for level in levels
    }


def _level_anchors(image_size, stride, size_over_stride, scales, aspect_ratios):
    sizes = np.array(
        [
            (
                stride * size_over_stride * scale * ratio**0.5,
                stride * size_over_stride * scale / ratio**0.5,
            )
            for scale in scales
            for ratio in aspect_ratios
        ]
    )  # height, width
    y, x = ((np.arange(-(-n // stride)) + 0.5) * stride for n in image_size)
    centers = np.stack(np.meshgrid(y, x, indexing="ij"), axis=-1).reshape(-1, 1, 2)
    corners = np.concatenate([centers - sizes / 2, centers + sizes / 2], axis=-1)
    return corners.reshape(-1, 4).astype("float32")
