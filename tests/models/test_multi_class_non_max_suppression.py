"""Suppression as a layer, against keras-cv's of the same name."""

import json
import pathlib

import keras
import keras_cv
import numpy as np
import pytest

import keras_effspine
from keras_effspine.layers.boxes import convert_boxes
from keras_effspine.models.multi_class_non_max_suppression import MultiClassNonMaxSuppression

SIZE = (200, 300, 3)
ARGUMENTS = {"iou_threshold": 0.4, "max_detections": 30, "max_detections_per_class": 12}


def predictions(box_format, seed=0):
    """Boxes in a format and logits, of two images, 200 boxes and four classes."""
    random = np.random.default_rng(seed)
    low = random.uniform(0, 150, (2, 200, 2))
    boxes = np.concatenate([low, low + random.uniform(10, 60, (2, 200, 2))], axis=-1)
    logits = random.normal(-2, 2, (2, 200, 4)).astype("float32")
    return convert_boxes(boxes.astype("float32"), "yxyx", box_format, SIZE), logits


def assert_equal(ours, theirs, **tolerance):
    assert set(ours) == set(theirs) == {"boxes", "confidence", "classes", "num_detections"}
    np.testing.assert_array_equal(ours["num_detections"], theirs["num_detections"])
    np.testing.assert_array_equal(ours["classes"], theirs["classes"])
    np.testing.assert_allclose(ours["confidence"], theirs["confidence"], rtol=1e-6)
    np.testing.assert_allclose(ours["boxes"], theirs["boxes"], **tolerance)


@pytest.mark.parametrize(
    "box_format", ["xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw", "rel_xyxy", "rel_xywh"]
)
def test_it_gives_what_keras_cvs_gives_in_every_format(box_format):
    boxes, logits = predictions(box_format)
    arguments = {"from_logits": True, "confidence_threshold": 0.05, **ARGUMENTS}
    ours = MultiClassNonMaxSuppression(box_format, **arguments)
    theirs = keras_cv.layers.MultiClassNonMaxSuppression(box_format, **arguments)
    found = ours(boxes, logits, image_shape=SIZE)
    assert min(found["num_detections"]) > 12
    assert_equal(found, theirs(boxes, logits, image_shape=SIZE), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("threshold", [0.0, 0.01, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("from_logits", [True, False])
def test_its_threshold_is_of_scores(threshold, from_logits):
    boxes, logits = predictions("xyxy", seed=1)
    classes = logits if from_logits else keras.ops.sigmoid(logits)
    arguments = ("xyxy", from_logits, 0.5, threshold)
    found = MultiClassNonMaxSuppression(*arguments)(boxes, classes)
    theirs = keras_cv.layers.MultiClassNonMaxSuppression(*arguments)(boxes, classes)
    assert_equal(found, theirs)
    assert (found["num_detections"][0] == 0) == (threshold == 1.0)


def test_it_suppresses_in_float32_whatever_the_policy():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        layer = MultiClassNonMaxSuppression("xyxy", from_logits=True)
    finally:
        keras.config.set_dtype_policy("float32")
    found = layer(*predictions("xyxy"))
    assert_equal(found, MultiClassNonMaxSuppression("xyxy", True)(*predictions("xyxy")))


def test_it_survives_its_config():
    layer = MultiClassNonMaxSuppression("rel_xyxy", False, 0.4, 0.2, 30, 12, name="mine")
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert isinstance(copy, MultiClassNonMaxSuppression)
    assert copy.get_config() == layer.get_config()


def test_its_name_in_shipped_presets_is_its_name():
    """A preset's file may name it for as long as the preset is read."""
    presets = pathlib.Path(keras_effspine.__file__).parent / "presets"
    config = json.loads((presets / "m1_bccd" / "config.json").read_text())["config"]
    layer = keras.saving.deserialize_keras_object(config["prediction_decoder"])
    assert isinstance(layer, MultiClassNonMaxSuppression)
    assert layer.confidence_threshold == 0.01
