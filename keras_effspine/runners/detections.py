"""From a detector's raw outputs to detections, in NumPy: what `RetinaNet.predict` makes of them."""

import math

import numpy as np

from keras_effspine.runners.metadata import Anchors, Suppression


def anchor_boxes(anchors: Anchors, image_size: tuple[int, int]) -> np.ndarray:
    """The anchors of all levels: float32 `(anchors, 4)`, yxyx in pixels, place by place."""
    roots = np.sqrt(np.array(anchors.aspect_ratios, "float32"))
    boxes = []
    for stride, size in zip(anchors.strides, anchors.sizes, strict=True):
        sides = np.float32(size) * np.array(anchors.scales, "float32")[:, None]
        half = np.stack([sides / roots, sides * roots], axis=-1).reshape(-1, 2) * np.float32(0.5)
        y, x = (np.arange(0.5 * stride, -(-n // stride) * stride, stride) for n in image_size)
        centers = np.stack(np.meshgrid(y, x, indexing="ij"), axis=-1).astype("float32")
        centers = centers[:, :, None]
        corners = np.concatenate([centers - half, centers + half], axis=-1).reshape(-1, 4)
        if anchors.clip:
            corners = np.clip(corners, 0, np.array([*image_size, *image_size], "float32"))
        boxes.append(corners)
    return np.concatenate(boxes)


def decode(deltas: np.ndarray, boxes: np.ndarray, anchors: Anchors) -> np.ndarray:
    """Boxes that differ from their anchors as the network says.

    Args:
        deltas: float32 `(n, 4)`, differences in y, x, height, width.
        boxes: float32 `(n, 4)`, the anchors, yxyx.
        anchors: `Anchors`.

    Returns:
        float32 `(n, 4)`, yxyx.
    """
    deltas = deltas * np.array(anchors.variances, "float32")
    low, high = boxes[:, :2], boxes[:, 2:]
    size = high - low
    center = deltas[:, :2] * size + (low + high) / 2
    half = np.exp(np.minimum(deltas[:, 2:], np.float32(anchors.largest_log_size))) * size / 2
    return np.concatenate([center - half, center + half], axis=1)


def detect(
    deltas: np.ndarray,
    logits: np.ndarray,
    boxes: np.ndarray,
    anchors: Anchors,
    suppression: Suppression,
) -> dict[str, np.ndarray]:
    """Detections of a batch.

    Args:
        deltas: float32 `(batch, anchors, 4)`, the output `"box"`.
        logits: float32 `(batch, anchors, classes)`, the output `"classification"`.
        boxes: what `anchor_boxes` returns.
        anchors: `Anchors`.
        suppression: `Suppression`.

    Returns:
        As `RetinaNet.predict` with boxes in xyxy: `"boxes"` `(batch, n, 4)` in pixels of the
        network's input, `"confidence"` and `"classes"` `(batch, n)`, best first and padded with -1,
        and `"num_detections"` `(batch,)`.
    """
    most = suppression.max_detections
    found = {
        "boxes": np.full((len(deltas), most, 4), -1, "float32"),
        "confidence": np.full((len(deltas), most), -1, "float32"),
        "classes": np.full((len(deltas), most), -1, "float32"),
        "num_detections": np.zeros(len(deltas), "int32"),
    }
    threshold = np.float32(_logit(suppression.score_threshold))
    classes = logits.shape[2]
    for row, (some_deltas, some_logits) in enumerate(zip(deltas, logits, strict=True)):
        flat = some_logits.ravel()
        candidates = np.flatnonzero(flat > threshold)
        # Of equal scores the earlier candidate comes first.
        candidates = candidates[np.argsort(-flat[candidates], kind="stable")]
        places = candidates // classes
        decoded = decode(some_deltas[places], boxes[places], anchors)
        kept = _suppress(decoded, candidates % classes, suppression)
        count = len(kept)
        found["boxes"][row, :count] = decoded[kept][:, [1, 0, 3, 2]]
        scores = flat[candidates[kept]].astype("float64")
        found["confidence"][row, :count] = 1 / (1 + np.exp(-scores))
        found["classes"][row, :count] = candidates[kept] % classes
        found["num_detections"][row] = count
    return found


def _suppress(boxes: np.ndarray, classes: np.ndarray, suppression: Suppression) -> list[int]:
    """Positions of the boxes, best first, that no better one of their class removes."""
    low, high = np.minimum(boxes[:, :2], boxes[:, 2:]), np.maximum(boxes[:, :2], boxes[:, 2:])
    area = np.prod(high - low, axis=1)
    left = np.ones(len(boxes), bool)
    counts = np.zeros(classes.max(initial=0) + 1, int)
    kept: list[int] = []
    start = 0
    while len(kept) < suppression.max_detections:
        ahead = np.flatnonzero(left[start:])
        if not len(ahead):
            break
        best = start + int(ahead[0])
        start = best + 1
        kept.append(best)
        counts[classes[best]] += 1
        same = start + np.flatnonzero(left[start:] & (classes[start:] == classes[best]))
        if counts[classes[best]] >= suppression.max_detections_per_class:
            left[same] = False
            continue
        sides = np.minimum(high[best], high[same]) - np.maximum(low[best], low[same])
        shared = np.prod(np.maximum(sides, 0), axis=1)
        union = area[best] + area[same] - shared
        overlap = shared / np.where(union == 0, np.float32(1), union)
        left[same[overlap > np.float32(suppression.iou_threshold)]] = False
    return kept


def _logit(score: float) -> float:
    if not 0 < score < 1:
        return -math.inf if score <= 0 else math.inf
    return math.log(score / (1 - score))
