"""Layers compute with the first of their channels, as narrower layers with these weights do."""

import keras
import numpy as np
import pytest

from keras_effspine.layers.batch_normalization import BatchNormalization
from keras_effspine.layers.sliced import (
    SlicedBatchNormalization,
    SlicedConv2D,
    SlicedDepthwiseConv2D,
    first_channels,
)


def maps(channels, seed=0):
    return np.random.default_rng(seed).normal(size=(2, 5, 4, channels)).astype("float32")


def test_the_first_channels_of_each_part_are_taken():
    weight = np.arange(12)
    np.testing.assert_array_equal(first_channels(weight, 0, 5), np.arange(5))
    np.testing.assert_array_equal(first_channels(weight, 0, 8, parts=4), [0, 1, 3, 4, 6, 7, 9, 10])
    kernel = np.arange(24).reshape(1, 2, 4, 3)
    np.testing.assert_array_equal(first_channels(kernel, 2, 2, parts=2), kernel[:, :, [0, 2]])


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("use_bias", [True, False])
def test_a_convolution_reads_as_many_channels_as_there_are_and_returns_as_many_as_told(
    parts, use_bias
):
    layer = SlicedConv2D(6, 3, parts=parts, use_bias=use_bias, strides=2, padding="same")
    layer(maps(8))
    layer.set_weights([np.random.default_rng(1).normal(size=w.shape) for w in layer.weights])
    narrow = keras.layers.Conv2D(5, 3, use_bias=use_bias, strides=2, padding="same")
    narrow.build((None, None, None, 4))
    narrow.set_weights([keras.ops.convert_to_numpy(w) for w in layer.first(4, 5)])
    x = maps(4, seed=2)
    np.testing.assert_array_equal(layer(x, np.int32(5)), narrow(x))
    assert layer(x).shape[-1] == 6
    assert layer(maps(8)).shape[-1] == 6


def test_a_depthwise_convolution_has_the_filters_of_the_channels_that_it_reads():
    layer = SlicedDepthwiseConv2D(3, parts=4, use_bias=False, padding="same")
    layer(maps(16))
    narrow = keras.layers.DepthwiseConv2D(3, use_bias=False, padding="same")
    narrow.build((None, None, None, 8))
    kernel = keras.ops.convert_to_numpy(layer.kernel)
    narrow.set_weights([kernel[:, :, [0, 1, 4, 5, 8, 9, 12, 13]]])
    np.testing.assert_array_equal(layer(maps(8)), narrow(maps(8)))


@pytest.mark.parametrize("parts", [1, 2])
def test_normalisation_changes_the_statistics_of_the_channels_that_it_reads_alone(parts):
    layer, narrow = SlicedBatchNormalization(0.5, parts=parts), BatchNormalization(0.5)
    layer.build((None, None, None, 8))
    narrow.build((None, None, None, 4))
    random = np.random.default_rng(3)
    layer.set_weights([random.uniform(0.5, 2, w.shape) for w in layer.weights])
    narrow.set_weights([keras.ops.convert_to_numpy(w) for w in layer.first(4)])
    before = [keras.ops.convert_to_numpy(w) for w in layer.weights]
    for training in (False, True, False):
        np.testing.assert_array_equal(
            layer(maps(4), training=training), narrow(maps(4), training=training)
        )
    for own, of_slice in zip(layer.first(4), narrow.weights, strict=True):
        np.testing.assert_array_equal(own, of_slice)
    others = np.setdiff1d(np.arange(8), first_channels(np.arange(8), 0, 4, parts))
    for was, now in zip(before, layer.weights, strict=True):
        np.testing.assert_array_equal(was[others], keras.ops.convert_to_numpy(now)[others])


def test_frozen_normalisation_keeps_its_statistics():
    layer = SlicedBatchNormalization()
    layer.build((None, None, None, 8))
    layer.trainable = False
    np.testing.assert_array_equal(layer(maps(4), training=True), layer(maps(4)))
