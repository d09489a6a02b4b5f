"""What the first stage learns, against a slow reference."""

import numpy as np
import pytest

from keras_effspine.layers.anchors import pyramid_anchors
from keras_effspine.layers.boxes import decode_boxes
from keras_effspine.layers.region_proposals import UNSCALED
from keras_effspine.layers.region_targets import RegionTargets

LEVELS, RATIOS, SIZE = (3, 4, 5), (0.5, 1.0, 2.0), (64, 96)
ANCHORS = np.concatenate(list(pyramid_anchors(SIZE, LEVELS, 3, RATIOS).values()))
IMAGES = np.zeros((4, *SIZE, 3), "float32")
NOTHING = [-1.0] * 4
BOXES = np.array(
    [
        [[5, 7, 30, 31], [10, 40, 60, 90], [2, 2, 62, 94]],
        [[20, 20, 21, 21], [40, 50, 40, 70], NOTHING],  # of one pixel, and without area
        [NOTHING] * 3,
        [[0, 0, 64, 96], [0, 0, 24, 24], NOTHING],
    ],
    "float32",
)
CLASSES = np.array([[0, 2, 1], [1, 1, -1], [-1, -1, -1], [0, 0, -1]], "float32")
EVERYTHING = 10**6


def targets(boxes=BOXES, classes=CLASSES, **arguments):
    layer = RegionTargets(LEVELS, 3, RATIOS, **{"seed": 0, **arguments})
    found = layer(IMAGES[: len(boxes)], boxes, classes)
    return {name: np.asarray(x) for name, x in found.items()}


def overlap(a, b):
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    both = np.prod(np.maximum(high - low, 0))
    return both / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - both)


def reference(boxes, classes):
    """Of one image: 1 for positive anchors, 0 for negative, -1 between; and each one's box."""
    real = [b for b, c in zip(boxes, classes, strict=True) if c >= 0 and (b[2:] > b[:2]).all()]
    if not real:
        return np.zeros(len(ANCHORS)), np.zeros(len(ANCHORS), int), real
    found = np.array([[overlap(anchor, box) for box in real] for anchor in ANCHORS])
    best = found.max(1)
    kind = np.where(best >= 0.7, 1, np.where(best < 0.3, 0, -1))
    kind[(found >= found.max(0) * (1 - 1e-5)).any(1)] = 1
    return kind, found.argmax(1), real


def test_every_anchor_is_what_the_reference_says_where_all_are_drawn():
    found = targets(count=EVERYTHING)
    for row in range(4):
        kind, matched, real = reference(BOXES[row], CLASSES[row])
        np.testing.assert_array_equal(found["objectness"][row, :, 0], kind == 1)
        np.testing.assert_array_equal(found["positive"][row], kind == 1)
        np.testing.assert_array_equal(found["sampled"][row], kind >= 0)
        positive = np.flatnonzero(kind == 1)
        if len(real):
            assert len(positive)
            boxes = decode_boxes(found["deltas"][row, positive], ANCHORS[positive], UNSCALED)
            expected = np.array(real)[matched[positive]]
            np.testing.assert_allclose(boxes, expected, atol=1e-2)
        np.testing.assert_array_equal(found["deltas"][row, kind != 1], 0)


@pytest.mark.parametrize("count", [2, 16, 64])
def test_as_many_are_drawn_as_are_wanted_and_positive_ones_are_at_most_half(count):
    found, everything = targets(count=count), targets(count=EVERYTHING)
    np.testing.assert_array_equal(found["sampled"].sum(1), count)
    most = np.minimum(everything["positive"].sum(1), count // 2)
    np.testing.assert_array_equal(found["positive"].sum(1), most)
    assert (found["sampled"] <= everything["sampled"]).all()


def test_each_step_draws_others_and_a_seed_the_same():
    layer = RegionTargets(LEVELS, 3, RATIOS, count=16, seed=1)
    copy = RegionTargets.from_config(layer.get_config())
    draws = [np.asarray(layer(IMAGES, BOXES, CLASSES)["sampled"]) for _ in range(2)]
    assert (draws[0] != draws[1]).any()
    np.testing.assert_array_equal(copy(IMAGES, BOXES, CLASSES)["sampled"], draws[0])


def test_a_batch_without_a_single_box_learns_background():
    found = targets(np.zeros((2, 0, 4), "float32"), np.zeros((2, 0), "float32"), count=30)
    np.testing.assert_array_equal(found["sampled"].sum(1), 30)
    for name in ("objectness", "positive", "deltas"):
        np.testing.assert_array_equal(found[name], 0)
