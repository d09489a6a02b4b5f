"""ResNet's blocks, beside the sums that they are."""

import keras
import numpy as np
import pytest

from keras_effspine.networks.operations import Operations
from keras_effspine.networks.residual_blocks import bottleneck_block, residual_block


def model_of(block, channels, filters, **arguments):
    x = keras.Input((8, 8, channels))
    return keras.Model(x, block(x, filters, Operations("relu"), "b", **arguments))


@pytest.mark.parametrize(("block", "channels"), [(residual_block, 4), (bottleneck_block, 16)])
def test_a_block_that_changes_nothing_adds_its_input_before_the_activation(block, channels):
    model = model_of(block, channels, 4)
    assert not [layer for layer in model.layers if "shortcut" in layer.name]
    last = [layer for layer in model.layers if layer.name.endswith("_bn")][-1]
    last.gamma.assign(keras.ops.zeros(channels))
    x = np.random.default_rng(0).normal(size=(1, 8, 8, channels)).astype("float32")
    np.testing.assert_allclose(model(x), np.maximum(x, 0), atol=1e-6)


@pytest.mark.parametrize(("block", "channels"), [(residual_block, 4), (bottleneck_block, 16)])
@pytest.mark.parametrize(("read", "strides"), [(3, 1), (3, 2), (16, 2)])
def test_another_width_or_stride_has_a_shortcut_with_a_convolution(block, channels, read, strides):
    model = model_of(block, read, 4, strides=strides)
    shortcut = model.get_layer("b_shortcut_conv")
    assert (shortcut.filters, shortcut.strides) == (channels, (strides, strides))
    assert model.output_shape == (None, 8 // strides, 8 // strides, channels)


def test_stochastic_depth_drops_the_branch():
    model = model_of(bottleneck_block, 16, 4, drop_rate=0.2)
    assert model.get_layer("b_stochastic_depth").rate == 0.2
