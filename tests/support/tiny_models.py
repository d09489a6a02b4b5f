"""Models that are small enough to trace in seconds."""

import numpy as np
import pytest
from model_cases import CASES, TinyBackbone

from keras_effspine import EffSpineNetBackbone


@pytest.fixture(scope="session")
def tiny_detector():
    """Makes a RetinaNet on a tiny backbone; the same weights whenever it is called."""

    def make(seed=0, **arguments):
        return CASES["detection"].build(seed, **arguments)

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
