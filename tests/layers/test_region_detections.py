"""Detections against a slow reference."""

import numpy as np

from keras_effspine.layers.boxes import clip_boxes, decode_boxes
from keras_effspine.layers.region_detections import RegionDetections

SIZE, REGIONS, CLASSES = (64, 96), 30, 3
IMAGES = np.zeros((2, *SIZE, 3), "float32")


def stage(seed=0):
    random = np.random.default_rng(seed)
    low = random.uniform(0, 50, (2, REGIONS, 2))
    regions = np.concatenate([low, low + random.uniform(4, 40, (2, REGIONS, 2))], axis=-1)
    regions[:, -4:] = 0
    logits = random.normal(size=(2, REGIONS, 1 + CLASSES)) * 2
    logits[:, -4:, 1] = 20  # padding says that it is surely an object
    deltas = random.normal(size=(2, REGIONS, (1 + CLASSES) * 4))
    return [x.astype("float32") for x in (regions, logits, deltas)]


def overlap(a, b):
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    both = np.prod(np.maximum(high - low, 0))
    return both / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - both)


def reference(regions, logits, deltas, most):
    """Detections of one image as `(score, class, box)`."""
    scores = np.exp(logits.astype("float64"))
    scores /= scores.sum(-1, keepdims=True)
    candidates = []
    for index, region in enumerate(regions):
        if not (region[2:] > region[:2]).all():
            continue
        for label in range(CLASSES):
            # The first logit and the first four differences are the background's.
            delta = deltas[index, 4 * (label + 1) : 4 * (label + 2)]
            box = np.asarray(clip_boxes(decode_boxes(delta, region), SIZE))
            candidates.append((scores[index, label + 1], label, box))
    kept = []
    for score, label, box in sorted(candidates, key=lambda one: -one[0]):
        if score > 0.1 and not any(c == label and overlap(box, b) > 0.5 for _, c, b in kept):
            kept.append((score, label, box))
    return kept[:most]


def test_they_are_those_of_the_reference():
    layer = RegionDetections(score_threshold=0.1, max_detections=25)
    regions, logits, deltas = stage()
    found = {k: np.asarray(x) for k, x in layer(regions, logits, deltas, IMAGES).items()}
    for row in range(2):
        expected = reference(regions[row], logits[row], deltas[row], 25)
        count = len(expected)
        assert 5 < count == found["num_detections"][row]
        scores, classes, boxes = zip(*expected, strict=True)
        np.testing.assert_allclose(found["confidence"][row, :count], scores, rtol=1e-4)
        np.testing.assert_array_equal(found["classes"][row, :count], classes)
        np.testing.assert_allclose(found["boxes"][row, :count], boxes, atol=1e-3)
        np.testing.assert_array_equal(found["classes"][row, count:], -1)
    assert RegionDetections.from_config(layer.get_config()).get_config() == layer.get_config()


def test_no_more_than_the_most_detections_are_given():
    layer = RegionDetections(score_threshold=0.0, iou_threshold=0.99, max_detections=7)
    found = layer(*stage(), IMAGES)
    assert found["boxes"].shape == (2, 7, 4)
    assert np.asarray(found["num_detections"]).tolist() == [7, 7]
