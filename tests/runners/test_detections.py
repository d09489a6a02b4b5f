"""Detections in NumPy are those of the model, to the last place."""

import numpy as np
import pytest
from model_cases import CASES

from keras_effspine.runners.detections import anchor_boxes, detect
from keras_effspine.tasks.exported_detector import raw_detector


@pytest.fixture(scope="module")
def detector():
    return CASES["detection"].build(bounding_box_format="xyxy")


@pytest.mark.parametrize("size", [(64, 64), (50, 90)])
@pytest.mark.parametrize("spread", [0.3, 4.0])
def test_they_are_what_the_model_predicts(detector, size, spread):
    raw = raw_detector(detector, detector)
    anchors = anchor_boxes(raw.anchors, size)
    random = np.random.default_rng(0)
    deltas = random.normal(0, spread, (3, len(anchors), 4)).astype("float32")
    logits = random.normal(-3, 2, (3, len(anchors), 3)).astype("float32")
    logits[1] = np.round(logits[1])  # many equal scores
    logits[2] = -10  # nothing to be seen
    found = detect(deltas, logits, anchors, raw.anchors, raw.suppression)
    images = np.zeros((3, *size, 3), "float32")
    expected = detector.decode_predictions({"box": deltas, "classification": logits}, images)
    assert found["num_detections"].tolist() == [100, 100, 0]
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-5, atol=1e-4, err_msg=name)


def test_anchors_are_those_of_keras_cv(detector):
    raw = raw_detector(detector, detector)
    expected = detector.anchor_generator(image_shape=(70, 64, 3))
    expected = np.concatenate([np.asarray(level) for level in expected.values()])
    np.testing.assert_allclose(
        anchor_boxes(raw.anchors, (70, 64))[:, [1, 0, 3, 2]], expected, atol=1e-4
    )
