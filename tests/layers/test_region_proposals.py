"""Proposals against a slow reference."""

import numpy as np
import pytest
import tensorflow as tf

from keras_effspine.layers.anchors import pyramid_anchors
from keras_effspine.layers.region_proposals import RegionProposals

LEVELS, RATIOS, SIZE = (3, 4, 5), (0.5, 1.0, 2.0), (64, 96)
ANCHORS = pyramid_anchors(SIZE, LEVELS, 3, RATIOS)
COUNT = sum(map(len, ANCHORS.values()))
IMAGES = np.zeros((2, *SIZE, 3), "float32")


def predictions(seed=0):
    random = np.random.default_rng(seed)
    scores = random.permutation(2 * COUNT).reshape(2, COUNT, 1) / COUNT - 1
    deltas = random.normal(size=(2, COUNT, 4)) * [0.5, 0.5, 0.3, 0.3]
    return scores.astype("float32"), deltas.astype("float32")


def overlap(a, b):
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    both = np.prod(np.maximum(high - low, 0))
    return both / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - both)


def decoded(anchor, delta):
    size = anchor[2:] - anchor[:2]
    center = (anchor[:2] + anchor[2:]) / 2 + delta[:2] * size
    half = np.exp(np.minimum(delta[2:], np.log(1000 / 16))) * size / 2
    box = np.concatenate([center - half, center + half])
    return np.clip(box, 0, [*SIZE, *SIZE])


def reference(scores, deltas, count, candidates):
    """Boxes of one image, level by level, box by box."""
    found, start = [], 0
    for anchors in ANCHORS.values():
        rows = np.arange(start, start + len(anchors))
        start += len(anchors)
        kept = []
        for row in rows[np.argsort(-scores[rows, 0], kind="stable")][:candidates]:
            box = decoded(anchors[row - rows[0]].astype("float64"), deltas[row].astype("float64"))
            has_area = (box[2:] > box[:2]).all()
            if has_area and all(overlap(box, other) <= 0.7 for _, other in kept):
                kept.append((scores[row, 0], box))
        found += kept[:count]
    found.sort(key=lambda pair: -pair[0])
    boxes = [box for _, box in found[:count]]
    return np.array(boxes + [np.zeros(4)] * (count - len(boxes)))


@pytest.mark.parametrize(
    ("count", "training", "candidates"), [(40, False, 30), (40, True, 50), (900, True, 50)]
)
def test_they_are_those_of_the_reference(count, training, candidates):
    layer = RegionProposals(LEVELS, 3, RATIOS, count=count, candidates=30, training_candidates=50)
    scores, deltas = predictions()
    found = layer(scores, deltas, IMAGES, training=training).numpy()
    assert found.shape == (2, count, 4)
    for row in range(2):
        expected = reference(scores[row], deltas[row], count, candidates)
        np.testing.assert_allclose(found[row], expected, atol=1e-3)


def test_predictions_beyond_all_measure_give_boxes_within_the_image():
    layer = RegionProposals(LEVELS, 3, RATIOS, count=50)
    scores, deltas = predictions()
    found = layer(scores, 1e6 * deltas, IMAGES).numpy()
    assert np.isfinite(found).all()
    assert (found >= 0).all() and (found <= [*SIZE, *SIZE]).all()


def test_no_gradient_passes_and_a_copy_does_the_same():
    layer = RegionProposals(LEVELS, 3, RATIOS, count=20, candidates=9, iou_threshold=0.5)
    scores, deltas = map(tf.Variable, predictions())
    with tf.GradientTape() as tape:
        found = layer(scores, deltas, IMAGES)
        value = tf.reduce_sum(found)
    assert tape.gradient(value, [scores, deltas]) == [None, None]
    copy = RegionProposals.from_config(layer.get_config())
    np.testing.assert_array_equal(copy(scores, deltas, IMAGES), found)
