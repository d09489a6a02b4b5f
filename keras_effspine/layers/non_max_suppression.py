"""Non-maximum suppression per class with static shapes, in plain Keras ops."""

import math
from collections.abc import Callable
from typing import Any

from keras import ops

from keras_effspine.layers.boxes import intersection_over_union
from keras_effspine.layers.take_rows import take_rows

_SORTED = (512, 4096)
"""Candidates that are sorted at first, which is all that many images need, and then at once."""

_CHUNK = 128
"""Candidates that are settled at once, by their pairwise overlap."""

_NONE = float("-inf")
"""Score of what is no candidate."""


def non_max_suppression(
    boxes: Any | Callable[[Any], Any],
    scores: Any,
    *,
    iou_threshold: float,
    max_detections: int,
    max_detections_per_class: int | None = None,
    score_threshold: float = _NONE,
) -> dict[str, Any]:
    """The best boxes of each image, without those that a better one of their class overlaps.

    Greedy and exact for any number of boxes: what TensorFlow's CombinedNonMaxSuppression gives, but
    with all shapes static, so that XLA compiles it for any device. Of equal scores the earlier box
    comes first, and of one box the lower class. Candidates, each a box with a class, are settled in
    chunks from the best down, until the detections of each image are complete or no candidate is
    left: the work depends on the detections, and hardly on the number of boxes and classes. No
    gradient passes.

    With one class, it selects region proposals.

    Args:
        boxes: `(batch, boxes, 4)`, or `(batch, boxes, classes, 4)` where each class has boxes of
            its own: two opposite corners as y, x or as x, y, in any unit. Or a function from the
            indices `(batch, n)` of some boxes to these, `(batch, n, 4)`.
        scores: `(batch, boxes, classes)`, scores or logits; `boxes` and `classes` are static.
        iou_threshold: intersection over union above which the lesser box goes.
        max_detections: detections of an image.
        max_detections_per_class: detections of one class in an image; None for no such limit.
        score_threshold: score above which a box is a candidate.

    Returns:
        Dictionary of `"boxes"` `(batch, max_detections, 4)`, `"confidence"` (scores as they came)
        and `"classes"` `(batch, max_detections)`, all float32, best first, padded with -1, and
        `"num_detections"` `(batch,)`, int32.
    """
    scores = ops.stop_gradient(ops.cast(scores, "float32"))
    count, classes = scores.shape[1:]
    boxes_of = _boxes_of_candidates(boxes, count, classes)
    limit = max_detections_per_class or max_detections

    def add_candidates(found, score, index):
        """Detections with those of sorted candidates, chunk by chunk."""
        size = score.shape[1]
        chunk = min(_CHUNK, size)
        padding = ((0, 0), (0, -size % chunk))
        new = {
            "boxes": ops.pad(boxes_of(index), (*padding, (0, 0))),
            "classes": ops.pad(index % classes, padding),
            "confidence": ops.pad(score, padding, constant_values=_NONE),
        }

        def add_chunk(start, found):
            here = {name: _columns(values, start, chunk) for name, values in new.items()}
            return start + chunk, _merged(found, here, iou_threshold, limit)

        def incomplete(start, found):
            more = _columns(score, ops.minimum(start, size - 1), 1) > _NONE
            missing = found["confidence"][:, -1:] == _NONE
            return ops.logical_and(start < size, ops.any(ops.logical_and(more, missing)))

        return ops.while_loop(
            incomplete, add_chunk, (0, found), maximum_iterations=math.ceil(size / chunk)
        )[1]

    def incomplete(last_score, _, found):
        missing = found["confidence"][:, -1] == _NONE
        return ops.any(ops.logical_and(last_score > _NONE, missing))

    batch = ops.shape(scores)[0]
    found = {
        "boxes": ops.zeros((batch, max_detections, 4)),
        "classes": ops.full((batch, max_detections), -1, "int32"),
        "confidence": ops.full((batch, max_detections), _NONE),
    }
    first, size = (min(sorted_at_once, count * classes) for sorted_at_once in _SORTED)
    if first < max_detections:
        first = size
    score, index = _best(scores, first, score_threshold)
    state = score[:, -1], index[:, -1], add_candidates(found, score, index)
    if first < size:

        def go_on_to_size(last_score, last_index, found):
            score, index = _best(scores, size, score_threshold)
            found = add_candidates(found, score[:, first:], index[:, first:])
            return score[:, -1], index[:, -1], found

        state = ops.while_loop(incomplete, go_on_to_size, state, maximum_iterations=1)
    if size < count * classes:

        def go_on(last_score, last_index, found):
            remaining = _after(scores, last_score, last_index)
            score, index = _best(remaining, size, score_threshold)
            return score[:, -1], index[:, -1], add_candidates(found, score, index)

        state = ops.while_loop(
            incomplete,
            go_on,
            state,
            maximum_iterations=math.ceil(count * classes / size) - 1,
        )
    found = state[-1]
    real = found["confidence"] > _NONE
    return {
        "boxes": ops.where(ops.expand_dims(real, -1), found["boxes"], -1.0),
        "confidence": ops.where(real, found["confidence"], -1.0),
        "classes": ops.where(real, ops.cast(found["classes"], "float32"), -1.0),
        "num_detections": ops.sum(ops.cast(real, "int32"), axis=1),
    }


def _boxes_of_candidates(boxes, count, classes):
    """Function from candidates, `box * classes + class`, to their boxes."""
    if callable(boxes):
        return lambda candidates: ops.stop_gradient(boxes(candidates // classes))
    boxes = ops.stop_gradient(ops.cast(boxes, "float32"))
    if len(boxes.shape) == 3:
        return lambda candidates: take_rows(boxes, candidates // classes)
    boxes = ops.reshape(boxes, (-1, count * classes, 4))
    return lambda candidates: take_rows(boxes, candidates)


def _best(scores, size, threshold):
    """Scores and indices, `box * classes + class`, of the best candidates, best first.

    They are among the boxes whose best class is among the best. Equal scores keep the order of
    their indices.
    """
    count, classes = scores.shape[1:]
    rows = None
    if count > size:
        _, rows = ops.top_k(ops.max(scores, axis=2), size)
        rows = ops.sort(rows, axis=1)
        scores = take_rows(scores, rows)
    scores = ops.reshape(scores, (-1, min(count, size) * classes))
    best, index = ops.top_k(ops.where(scores > threshold, scores, _NONE), size)
    if rows is not None:
        index = ops.take_along_axis(rows, index // classes, axis=1) * classes + index % classes
    return best, index


def _after(scores, last_score, last_index):
    """The scores of the candidates that come after the last one, and of no others."""
    last_score, last_index = (ops.reshape(x, (-1, 1, 1)) for x in (last_score, last_index))
    _, count, classes = scores.shape
    index = ops.reshape(ops.arange(count * classes, dtype="int32"), (1, count, classes))
    tied = ops.logical_and(scores == last_score, index > last_index)
    return ops.where(ops.logical_or(scores < last_score, tied), scores, _NONE)


def _merged(found, new, iou_threshold, limit):
    """Detections with those of the next candidates that none of them suppresses."""
    size, max_detections = new["classes"].shape[1], found["classes"].shape[1]
    joint = {name: ops.concatenate([found[name], new[name]], axis=1) for name in found}
    corners = _ordered(joint["boxes"])
    overlap = intersection_over_union(corners, corners[:, max_detections:])
    same_class = ops.expand_dims(joint["classes"], 2) == ops.expand_dims(new["classes"], 1)
    earlier = ops.expand_dims(ops.arange(-max_detections, size), 1) < ops.arange(size)
    same_class = ops.logical_and(same_class, earlier)
    suppresses = ops.logical_and(same_class, overlap > iou_threshold)
    free = ops.logical_not(ops.any(suppresses[:, :max_detections], axis=1))
    kept = _settle(ops.logical_and(new["confidence"] > _NONE, free), suppresses[:, max_detections:])
    if limit < max_detections:
        counted = ops.concatenate([found["confidence"] > _NONE, kept], axis=1)
        kept = ops.logical_and(kept, _count(counted, same_class) < limit)
    joint["confidence"] = ops.concatenate(
        [found["confidence"], ops.where(kept, new["confidence"], _NONE)], axis=1
    )
    confidence, best = ops.top_k(joint["confidence"], max_detections)
    return {
        "boxes": take_rows(joint["boxes"], best),
        "classes": ops.take_along_axis(joint["classes"], best, axis=1),
        "confidence": confidence,
    }


def _settle(candidates, suppresses):
    """The candidates that no kept one suppresses.

    Repeats "kept is what nothing kept suppresses" until nothing changes. After n rounds the first
    n candidates are right; boxes rarely hang on each other in chains longer than a few.
    """
    suppresses = ops.cast(suppresses, "float32")

    def again(_, kept):
        now = ops.logical_and(candidates, _count(kept, suppresses) == 0)
        return ops.any(now != kept), now

    return ops.while_loop(
        lambda changed, _: changed,
        again,
        (True, candidates),
        maximum_iterations=candidates.shape[1],
    )[1]


def _ordered(corners):
    """Boxes with the lesser corner first."""
    a, b = corners[..., :2], corners[..., 2:]
    return ops.concatenate([ops.minimum(a, b), ops.maximum(a, b)], axis=-1)


def _count(chosen, relation):
    """How many of the chosen stand in the relation to each: `(batch, worse)`."""
    chosen = ops.expand_dims(ops.cast(chosen, "float32"), 1)
    return ops.squeeze(ops.matmul(chosen, ops.cast(relation, "float32")), 1)


def _columns(values, start, count):
    """The columns from a start on of values `(batch, columns, ...)`."""
    batch, _, *rest = ops.shape(values)
    return ops.slice(values, (0, start, *[0] * len(rest)), (batch, count, *rest))
