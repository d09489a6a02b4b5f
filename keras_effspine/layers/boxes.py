"""Arithmetic of bounding boxes in plain Keras ops: formats, overlap, differences to anchors.

A format is `xyxy`, `yxyx`, `xywh`, `center_xywh` or `center_yxhw`, in pixels, or one of the first
four with `rel_` before it: in shares of the image's width and height.
"""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

VARIANCES = (0.1, 0.1, 0.2, 0.2)
"""Divisors of differences in y, x, height, width: those of keras-cv's RetinaNet and of R-CNN."""

LARGEST_LOG_SIZE = math.log(1000 / 16)
"""How much larger than its anchor a decoded box may be, as a logarithm (public R-CNN code)."""


def convert_boxes(boxes: Any, source: str, target: str, image_shape: Sequence | None = None) -> Any:
    """Boxes in another format.

    `keras.utils.bounding_boxes.convert_format`, without asking for the image's size where both
    formats are relative.

    Args:
        boxes: `(..., 4)`.
        source: format of `boxes`.
        target: format of the result.
        image_shape: `(height, width, ...)`; needed between relative and absolute formats.

    Returns:
        Boxes `(..., 4)` in float32.

    Raises:
        ValueError: if a format is unknown, or `image_shape` is needed and missing.
    """
    source, target = source.lower(), target.lower()
    if source.startswith("rel_") and target.startswith("rel_"):
        source, target = source.removeprefix("rel_"), target.removeprefix("rel_")
    height, width = (None, None) if image_shape is None else image_shape[:2]
    return keras.utils.bounding_boxes.convert_format(
        boxes, source=source, target=target, height=height, width=width
    )


def clip_boxes(boxes: Any, image_shape: Sequence) -> Any:
    """Boxes `(..., 4)` in yxyx, cut at the borders of an image of `(height, width, ...)`."""
    height, width = image_shape[:2]
    borders = ops.convert_to_tensor([height, width, height, width], boxes.dtype)
    return ops.minimum(ops.maximum(boxes, 0), borders)


def intersection_over_union(boxes_a: Any, boxes_b: Any) -> Any:
    """Overlap of each box with each other, as a share of what the two cover.

    `keras.utils.bounding_boxes.compute_iou` adds 1e-7 to the divisor, which matters to relative
    boxes, and knows no leading axes but one.

    Args:
        boxes_a: `(..., a, 4)`: the lesser corner and the greater, as y, x or as x, y.
        boxes_b: `(..., b, 4)` likewise.

    Returns:
        `(..., a, b)`, 0 for boxes without area.
    """
    a, b = ops.expand_dims(boxes_a, -2), ops.expand_dims(boxes_b, -3)
    height = ops.minimum(a[..., 2], b[..., 2]) - ops.maximum(a[..., 0], b[..., 0])
    width = ops.minimum(a[..., 3], b[..., 3]) - ops.maximum(a[..., 1], b[..., 1])
    intersection = ops.relu(height) * ops.relu(width)
    area_a, area_b = ((x[..., 2] - x[..., 0]) * (x[..., 3] - x[..., 1]) for x in (a, b))
    union = area_a + area_b - intersection
    return intersection / ops.where(union == 0, 1.0, union)


def overlap_of_pairs(boxes_a: Any, boxes_b: Any) -> tuple[Any, Any]:
    """Overlap of each box with the one at its place, plain and generalised (arXiv:1902.09630).

    Args:
        boxes_a: `(..., 4)` with an area: the lesser corner and the greater, as y, x or as x, y.
        boxes_b: likewise.

    Returns:
        Pair of `(...)`: IoU, and IoU less the share of the box around both that neither covers.
    """
    low, high = ops.minimum(boxes_a, boxes_b), ops.maximum(boxes_a, boxes_b)
    intersection = _area(ops.relu(low[..., 2:] - high[..., :2]))
    around = _area(high[..., 2:] - low[..., :2])
    area_a, area_b = (_area(boxes[..., 2:] - boxes[..., :2]) for boxes in (boxes_a, boxes_b))
    union = area_a + area_b - intersection
    overlap = intersection / union
    return overlap, overlap - (around - union) / around


def encode_boxes(boxes: Any, anchors: Any, variances: Sequence[float] = VARIANCES) -> Any:
    """Differences of boxes to their anchors.

    Args:
        boxes: `(..., anchors, 4)` in yxyx.
        anchors: `(anchors, 4)` in yxyx.
        variances: divisors of the differences in y, x, height, width.

    Returns:
        `(..., anchors, 4)`: differences of the centers, as shares of the anchor's size, and of the
        logarithms of the sizes, as y, x, height, width.
    """
    center, size = _center_and_size(boxes)
    anchor_center, anchor_size = _center_and_size(anchors)
    shift = (center - anchor_center) / anchor_size
    growth = ops.log(ops.maximum(size, keras.config.epsilon()) / anchor_size)
    return ops.concatenate([shift, growth], axis=-1) / ops.convert_to_tensor(variances, "float32")


def decode_boxes(
    deltas: Any,
    anchors: Any,
    variances: Sequence[float] = VARIANCES,
    largest_log_size: float = LARGEST_LOG_SIZE,
) -> Any:
    """Boxes that differ from their anchors as `encode_boxes` tells.

    Args:
        deltas: `(..., anchors, 4)`: differences in y, x, height, width.
        anchors: `(anchors, 4)` in yxyx.
        variances: factors of the differences.
        largest_log_size: limit of the logarithm of a size relative to its anchor's, so that no box
            is infinite whatever the differences.

    Returns:
        `(..., anchors, 4)` in yxyx.
    """
    deltas = deltas * ops.convert_to_tensor(variances, "float32")
    anchor_center, anchor_size = _center_and_size(anchors)
    center = deltas[..., :2] * anchor_size + anchor_center
    half = ops.exp(ops.minimum(deltas[..., 2:], largest_log_size)) * anchor_size / 2
    return ops.concatenate([center - half, center + half], axis=-1)


def _area(sizes):
    return sizes[..., 0] * sizes[..., 1]


def _center_and_size(boxes):
    """Centers and sizes, each `(..., 2)` as y, x, of boxes in yxyx."""
    low, high = boxes[..., :2], boxes[..., 2:]
    return (low + high) / 2, high - low
