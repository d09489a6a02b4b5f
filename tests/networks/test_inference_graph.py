"""Graphs are rewritten for inference by what their layers compute."""

import keras
import numpy as np
import pytest
from keras import layers
from model_cases import CASES, EachLayer

from keras_effspine import EffSpineNetBackbone, SpineNetBackbone
from keras_effspine.layers.batch_normalization import BatchNormalization
from keras_effspine.layers.dropout import Dropout
from keras_effspine.layers.level_resizing import SpaceToDepth
from keras_effspine.layers.weighted_fusion import WeightedFusion
from keras_effspine.networks.inference_graph import inference_graph
from keras_effspine.networks.operations import Operations
from keras_effspine.networks.resample import resample

RANDOM = np.random.default_rng(0)


def with_statistics(model):
    """Gives what starts at one and zero the values of a trained model."""
    for variable in model.variables:
        name = variable.path.rpartition("/")[2]
        if name in ("gamma", "moving_variance", "fusion_weights"):
            variable.assign(RANDOM.uniform(0.5, 1.5, variable.shape))
        elif name in ("beta", "moving_mean", "bias"):
            variable.assign(RANDOM.normal(0, 0.3, variable.shape))
    return model


def rewritten(model, shape=None):
    images = keras.Input(shape or model.inputs[0].shape[1:])
    return keras.Model(images, inference_graph(model, images))


def assert_same(model, fused, shape=(2, 64, 64, 3)):
    images = RANDOM.uniform(0, 255, shape).astype("float32")
    for one, other in zip(
        keras.tree.flatten(model(images, training=False)),
        keras.tree.flatten(fused(images, training=False)),
        strict=True,
    ):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-4)


def kinds(model):
    return [type(layer) for layer in model.layers]


def test_a_detector_has_neither_normalisation_nor_fusion_weights_left():
    model = with_statistics(CASES["detection"].build(backbone=EachLayer()))
    before = model.get_weights()
    fused = rewritten(model)
    assert not {BatchNormalization, WeightedFusion} & set(kinds(fused))
    # Each level has its own pointwise half, and all share the depthwise one.
    names = [layer.name for layer in fused.layers]
    assert sum(name.startswith("box_head_layer1_conv") for name in names) == 1 + 5
    assert sum(name.startswith("box_head_prediction") for name in names) == 2
    assert_same(model, fused)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.fixture(scope="module")
def eff_spinenet():
    backbone = EffSpineNetBackbone(
        width_multiplier=0.1, endpoint_width=8, stochastic_depth_rate=0.2
    )
    return with_statistics(backbone)


@pytest.mark.parametrize("size", [(64, 64), (97, 130)])
def test_eff_spinenet_gives_the_same_at_any_size(eff_spinenet, size):
    model = eff_spinenet
    fused = rewritten(model)
    assert not {BatchNormalization, WeightedFusion} & set(kinds(fused))
    assert_same(model, fused, (1, *size, 3))
    assert_same(model, rewritten(model, (*size, 3)), (1, *size, 3))


@pytest.mark.parametrize(("family", "width"), [("spinenet", 0.05), ("spinenet_mobile", 0.2)])
def test_the_blocks_of_spinenet_are_folded_too(family, width):
    model = SpineNetBackbone(family=family, width_multiplier=width, endpoint_width=8)
    fused = rewritten(with_statistics(model))
    assert not {BatchNormalization, WeightedFusion} & set(kinds(fused))
    assert_same(model, fused, (1, 64, 64, 3))


def test_one_level_down_is_one_strided_convolution():
    images = keras.Input((None, None, 4))
    model = keras.Model(images, resample(images, images, 3, 4, 6, Operations(), "down"))
    fused = rewritten(with_statistics(model))
    assert SpaceToDepth not in kinds(fused)
    (convolution,) = (layer for layer in fused.layers if isinstance(layer, layers.Conv2D))
    assert (convolution.kernel_size, convolution.strides) == ((2, 2), (2, 2))
    assert_same(model, fused, (1, 7, 9, 4))


@pytest.mark.parametrize(
    "layer",
    [
        layers.Conv2D(6, 3, use_bias=False, groups=2),
        layers.DepthwiseConv2D(3, depth_multiplier=2),
        layers.SeparableConv2D(6, 3, strides=2, depth_multiplier=2),
        layers.Conv2DTranspose(6, 2, strides=2),
        layers.Dense(6),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_each_kind_of_convolution_takes_a_normalisation_in(layer):
    images = keras.Input((9, 9, 4))
    model = with_statistics(keras.Model(images, layers.BatchNormalization()(layer(images))))
    fused = rewritten(model)
    assert layers.BatchNormalization not in kinds(fused)
    assert_same(model, fused, (2, 9, 9, 4))


def test_what_others_read_as_well_and_what_follows_no_convolution_stays():
    images = keras.Input((8, 8, 4))
    x = layers.Conv2D(4, 1)(images)
    y = layers.BatchNormalization()(x)
    z = layers.BatchNormalization()(layers.Activation("relu")(layers.Add()([x, y])))
    curved = layers.Conv2D(4, 1, activation="relu")(z)
    model = with_statistics(
        keras.Model(images, [x, layers.BatchNormalization(axis=1)(z), Dropout(0.5)(curved)])
    )
    fused = rewritten(model)
    assert kinds(fused).count(layers.BatchNormalization) == 3
    assert Dropout not in kinds(fused)
    assert_same(model, fused, (2, 8, 8, 4))


def test_a_model_within_a_model_and_an_operation_are_taken_along():
    inner_input = keras.Input((8, 8, 4))
    x = layers.BatchNormalization()(layers.Conv2D(5, 3)(inner_input))
    inner = keras.Model(inner_input, {"a": x, "b": keras.ops.mean(x, axis=-1)}, name="inner")
    images = keras.Input((8, 8, 4))
    found = inner(layers.BatchNormalization()(layers.Conv2D(4, 1)(images)))
    model = with_statistics(keras.Model(images, {**found, "c": inner(images)["a"]}))
    fused = rewritten(model)
    assert layers.BatchNormalization not in kinds(fused)
    assert not any(isinstance(layer, keras.Model) for layer in fused.layers)
    assert sorted(fused.output) == ["a", "b", "c"]
    assert_same(model, fused, (2, 8, 8, 4))
