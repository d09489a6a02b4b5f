"""Presets that the tests of this folder share."""

import keras
import numpy as np
import pytest
from tiny_models import *  # noqa: F403 (fixtures)
from web_site import site  # noqa: F401 (fixture)

from keras_effspine import RetinaNet


@pytest.fixture(scope="package")
def trained():
    """What a preset says of its training."""
    return {
        "task": "detection",
        "data": "pets",
        "measured_on": "other pets",
        "measured": {"AP": 0.125},
        "licence": "CC0-1.0",
    }


@pytest.fixture(scope="package")
def detector(tiny_detector):
    """A tiny detector, compiled and with the slots of an optimizer; not one weight is as made."""
    model = tiny_detector(seed=7)
    model.compile(optimizer="adam", classification_loss="focal", box_loss="smoothl1")
    model.optimizer.build(model.trainable_variables)
    for weight in model.weights:
        weight.assign(weight + np.random.default_rng(0).uniform(0.0, 0.1, weight.shape))
    return model


@pytest.fixture(scope="package")
def saved(detector, trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("presets") / "pets"
    detector.save_to_preset(
        folder, class_names=["cat", "dog", "ü"], input_size=64, title="Pets", trained=trained
    )
    return folder


@pytest.fixture(scope="package")
def eff_spinenet(small_eff_spinenet):
    """A small detector on an Eff-SpineNet."""
    keras.utils.set_random_seed(8)
    return RetinaNet(small_eff_spinenet(), 3, "xywh", head_layers=1)
