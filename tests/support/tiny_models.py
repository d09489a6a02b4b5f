"""Models that are small enough to trace in seconds."""

import keras
import keras_cv
import numpy as np
import pytest

from keras_effspine import EffSpineNetBackbone, RetinaNet


@keras.saving.register_keras_serializable(package="keras_effspine_tests")
class TinyBackbone(keras_cv.models.Backbone):
    """A backbone of seven convolutions with the levels P2 to P7."""

    def __init__(self, width=8, input_shape=(None, None, 3), **kwargs):
        inputs = keras.Input(input_shape)
        x = keras.layers.Rescaling(1 / 128, -1.0)(inputs)
        x = keras.layers.Conv2D(width, 3, strides=2, padding="same")(x)
        levels = {}
        for level in range(2, 8):
            name = f"level{level}"
            x = keras.layers.Conv2D(width, 3, 2, "same", activation="relu", name=name)(x)
            levels[f"P{level}"] = name
        super().__init__(inputs=inputs, outputs=x, **kwargs)
        self.pyramid_level_inputs = levels
        self.width = width

    def get_config(self):
        shape = list(self.input_shape[1:])
        return {**super().get_config(), "width": self.width, "input_shape": shape}


@pytest.fixture(scope="session")
def tiny_detector():
    """Makes a RetinaNet on a tiny backbone; the same weights whenever it is called."""

    def make(seed=0, **arguments):
        keras.utils.set_random_seed(seed)
        arguments = {"num_classes": 3, "bounding_box_format": "xywh", "head_layers": 1, **arguments}
        return RetinaNet(arguments.pop("backbone", None) or TinyBackbone(), **arguments)

    return make


@pytest.fixture(scope="session")
def tiny_backbone():
    return TinyBackbone


@pytest.fixture(scope="session")
def small_eff_spinenet():
    """Makes an Eff-SpineNet of the least widths."""

    def make(**arguments):
        return EffSpineNetBackbone(
            **{"width_multiplier": 0.1, "endpoint_width": 8, **arguments},
        )

    return make


@pytest.fixture(scope="session")
def batch():
    """Two pictures of 64 px in xywh; the second has one object less, and so a row of padding."""
    images = np.random.default_rng(0).uniform(0, 255, (2, 64, 64, 3)).astype("float32")
    boxes = [[[10, 10, 30, 30], [20, 5, 24, 50]], [[0, 0, 60, 40], [-1, -1, -1, -1]]]
    labels = {
        "boxes": np.array(boxes, "float32"),
        "classes": np.array([[1, 0], [2, -1]], "float32"),
    }
    return images, labels
