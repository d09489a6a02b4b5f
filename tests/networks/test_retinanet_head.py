"""The subnets of RetinaNet."""

import keras
import numpy as np
import pytest

from keras_effspine.networks.operations import Operations
from keras_effspine.networks.retinanet_head import retinanet_prediction, retinanet_subnet

LEVELS = {"P3": 8, "P4": 4, "P5": 2}


@pytest.fixture(scope="module")
def head():
    pyramid = {level: keras.Input((size, size, 8), name=level) for level, size in LEVELS.items()}
    features = retinanet_subnet(pyramid, 2, Operations(), "box_head")
    maps = retinanet_prediction(features, 12, Operations(), "box_head", bias=-3.0)
    return keras.Model(pyramid, maps)


def test_it_predicts_at_each_location_of_each_level(head):
    shapes = {level: tensor.shape for level, tensor in head.output.items()}
    assert shapes == {level: (None, n, n, 12) for level, n in LEVELS.items()}


def test_levels_share_convolutions_but_not_normalisation(head):
    assert sorted(layer.name for layer in head.layers if layer.weights) == [
        "box_head_layer1_conv",
        *(f"box_head_layer1_{level}_bn" for level in ("p3", "p4", "p5")),
        "box_head_layer2_conv",
        *(f"box_head_layer2_{level}_bn" for level in ("p3", "p4", "p5")),
        "box_head_prediction",
    ]


def test_first_predictions_lie_near_the_bias(head):
    x = {level: np.random.default_rng(0).normal(size=(2, n, n, 8)) for level, n in LEVELS.items()}
    for outputs in head(x).values():
        np.testing.assert_allclose(outputs, -3.0, atol=0.5)


def test_no_layers_leave_the_prediction_alone():
    pyramid = {"P3": keras.Input((8, 8, 8), name="P3")}
    features = retinanet_subnet(pyramid, 0, Operations(), "box_head")
    maps = retinanet_prediction(features, 12, Operations(), "box_head")
    assert keras.Model(pyramid, maps).count_params() == 9 * 8 + 8 * 12 + 12
