"""Nearest upsampling and space-to-depth for pictures of any size."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_effspine.layers.level_resizing import NearestUpsampling, SpaceToDepth, level_size

SIZES = [(64, 64), (100, 75), (1, 1), (33, 128), (127, 129)]


def feature_map(height, width, level, channels=3):
    shape = (2, level_size(height, level), level_size(width, level), channels)
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def in_a_graph(layer, *arrays):
    """Calls a layer where only the rank and the channels of its inputs are known."""
    signature = [tf.TensorSpec((None, None, None, a.shape[-1])) for a in arrays]
    return tf.function(layer, input_signature=signature)(*arrays)


def test_sizes_of_levels_are_rounded_up():
    assert [level_size(100, level) for level in range(1, 8)] == [50, 25, 13, 7, 4, 2, 1]
    assert level_size(None, 3) is None


@pytest.mark.parametrize("levels", [(7, 3), (4, 3), (5, 2)])
@pytest.mark.parametrize("size", SIZES)
def test_upsampling_repeats_each_pixel_and_crops(size, levels):
    high, low = levels
    x, images = feature_map(*size, high), np.zeros((2, *size, 3), "float32")
    rows, columns = level_size(size[0], low), level_size(size[1], low)
    factor = 2 ** (high - low)
    expected = x[:, np.arange(rows) // factor][:, :, np.arange(columns) // factor]
    layer = NearestUpsampling(high, low)
    np.testing.assert_array_equal(layer(x, images), expected)
    np.testing.assert_array_equal(in_a_graph(layer, x, images), expected)
    assert layer.compute_output_shape(x.shape, images.shape) == expected.shape


@pytest.mark.parametrize("size", [(8, 6), (7, 6), (8, 5), (7, 5), (1, 1)])
def test_space_to_depth_moves_squares_into_channels_and_pads_with_zeros(size):
    x = feature_map(*size, 0)
    rows, columns = (-(-n // 2) for n in size)
    padded = np.zeros((2, 2 * rows, 2 * columns, 3), "float32")
    padded[:, : size[0], : size[1]] = x
    parts = [padded[:, i::2, j::2] for i in (0, 1) for j in (0, 1)]
    expected = np.concatenate(parts, axis=-1)
    np.testing.assert_array_equal(SpaceToDepth()(x), expected)
    np.testing.assert_array_equal(in_a_graph(SpaceToDepth(), x), expected)
    assert SpaceToDepth().compute_output_shape(x.shape) == expected.shape


@pytest.mark.parametrize("size", [(None, None), (100, 75), (100, None)])
def test_symbolic_shapes_are_known_as_far_as_the_picture_is(size):
    images = keras.Input((*size, 3))
    maps = keras.Input((*(level_size(n, 5) for n in size), 4))
    up = NearestUpsampling(5, 3)(maps, images)
    assert up.shape == (None, *(level_size(n, 3) for n in size), 4)
    down = SpaceToDepth()(maps)
    assert down.shape == (None, *(level_size(n, 6) for n in size), 16)


@pytest.mark.parametrize("layer", [NearestUpsampling(5, 3), SpaceToDepth()])
def test_they_keep_the_precision_of_their_policy(layer):
    layer = type(layer).from_config({**layer.get_config(), "dtype": "mixed_bfloat16"})
    images = np.zeros((2, 100, 75, 3), "float32")
    arguments = (images,) if isinstance(layer, NearestUpsampling) else ()
    assert layer(feature_map(100, 75, 5), *arguments).dtype == "bfloat16"


@pytest.mark.parametrize("layer", [NearestUpsampling(5, 3, name="up"), SpaceToDepth(name="down")])
def test_they_survive_their_configs(layer):
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(copy) is type(layer)
    assert copy.get_config() == layer.get_config()


@pytest.mark.parametrize("levels", [(3, 3), (3, 5)])
def test_upsampling_to_the_same_or_a_higher_level_is_refused(levels):
    with pytest.raises(ValueError, match="below"):
        NearestUpsampling(*levels)
