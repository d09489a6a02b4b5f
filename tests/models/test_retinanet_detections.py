"""Detections that RetinaNet makes of its outputs."""

import keras
import numpy as np
import pytest

pytestmark = pytest.mark.integration


def decoded(model, scores, size=(64, 96)):
    """Detections of anchors as they are, with scores `{(anchor, class): score}`."""
    images = np.zeros((1, *size, 3), "float32")
    count = model(images)["box"].shape[1]
    logits = np.full((1, count, model.num_classes), -20.0, "float32")
    for (anchor, class_id), score in scores.items():
        logits[0, anchor, class_id] = np.log(score / (1 - score))
    outputs = {"box": np.zeros((1, count, 4), "float32"), "classification": logits}
    anchors = np.concatenate([np.asarray(a) for a in model.anchor_generator(images[0]).values()])
    found = {
        name: np.asarray(v)[0] for name, v in model.decode_predictions(outputs, images).items()
    }
    return found, anchors


def test_a_detection_is_its_anchor_moved(tiny_detector):
    found, anchors = decoded(tiny_detector(), {(300, 1): 0.9})
    assert found["num_detections"] == 1
    np.testing.assert_allclose(found["boxes"][0], anchors[300], atol=1e-3)
    assert found["classes"][0] == 1
    assert found["confidence"][0] == pytest.approx(0.9, abs=1e-5)
    assert (found["boxes"][1:] == -1).all() and (found["classes"][1:] == -1).all()


def test_suppression_is_within_a_class(tiny_detector):
    found, _ = decoded(tiny_detector(), {(300, 0): 0.9, (300, 1): 0.8, (303, 1): 0.7})
    # Anchors 300 and 303 are two scales of one, whose overlap is 1 / 2 ** (2 / 3).
    assert found["num_detections"] == 2
    assert sorted(found["classes"][:2]) == [0, 1]


def test_low_scores_are_kept_as_the_average_precision_wants_them(tiny_detector):
    found, _ = decoded(tiny_detector(), {(300, 0): 0.02, (0, 1): 0.005})
    assert found["num_detections"] == 1


def test_at_most_100_detections_are_kept_and_the_best_come_first(tiny_detector):
    # Wide anchors of neighbours overlap by less than a half.
    scores = {(9 * n + 2, n % 3): 0.1 + n / 1000 for n in range(96)}
    scores |= {(9 * n + 2, (n + 1) % 3): 0.4 + n / 1000 for n in range(96)}
    found, _ = decoded(tiny_detector(), scores)
    assert found["num_detections"] == 100
    assert (np.diff(found["confidence"]) <= 0).all()
    assert found["confidence"][0] == pytest.approx(0.495, abs=1e-3)


@pytest.mark.parametrize("box_format", ["xyxy", "rel_yxyx"])
def test_detections_come_in_the_models_format(tiny_detector, box_format):
    found, anchors = decoded(tiny_detector(bounding_box_format=box_format), {(300, 1): 0.9})
    np.testing.assert_allclose(found["boxes"][0], anchors[300], atol=1e-3)


@pytest.mark.parametrize("box_format", ["xyxy", "rel_yxyx"])
def test_no_detection_is_infinite_whatever_is_predicted(tiny_detector, box_format):
    model, images = tiny_detector(bounding_box_format=box_format), np.zeros((1, 64, 64, 3))
    outputs = {name: 1e4 * np.ones_like(x) for name, x in model(images).items()}
    found = model.decode_predictions(outputs, images)
    assert found["num_detections"][0] > 0
    assert np.isfinite(found["boxes"]).all()


def test_decoding_needs_a_known_size(tiny_detector):
    model = tiny_detector()
    with pytest.raises(ValueError, match="Anchors need pictures of a known size"):
        model.decode_predictions({}, keras.Input((None, 64, 3)))
