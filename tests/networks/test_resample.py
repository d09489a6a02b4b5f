"""Resampling between levels, and two ways of computing it that must not change it."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_effspine.layers.batch_normalization import BatchNormalization
from keras_effspine.layers.level_resizing import NearestUpsampling, SpaceToDepth, level_size
from keras_effspine.networks.operations import Operations
from keras_effspine.networks.resample import resample

RANDOM = np.random.default_rng(0)


def maps_of(height, width, level, channels=5):
    shape = (2, level_size(height, level), level_size(width, level), channels)
    return RANDOM.normal(size=shape).astype("float32")


def resampler(from_level, to_level, channels=5, size=(None, None), **arguments):
    images = keras.Input((*size, 3))
    x = keras.Input((*(level_size(n, from_level) for n in size), channels))
    outputs = resample(x, images, from_level, to_level, 8, Operations(), "r", **arguments)
    return keras.Model([x, images], outputs)


def names(model):
    return [layer.name for layer in model.layers if not isinstance(layer, layers.InputLayer)]


@pytest.mark.parametrize("use_space_to_depth", [True, False])
@pytest.mark.parametrize("levels", [(3, 7), (3, 5), (4, 5), (5, 5), (5, 4), (7, 3)])
@pytest.mark.parametrize("size", [(64, 128), (100, 75), (127, 129)])
def test_a_map_arrives_at_the_size_and_width_of_its_new_level(size, levels, use_space_to_depth):
    model = resampler(*levels, use_space_to_depth=use_space_to_depth)
    outputs = model([maps_of(*size, levels[0]), np.zeros((2, *size, 3))])
    expected = (*(level_size(n, levels[1]) for n in size), 8)
    assert outputs.shape == (2, *expected)
    static = resampler(*levels, size=size, use_space_to_depth=use_space_to_depth)
    assert static.output_shape == (None, *expected)


def test_going_down_begins_with_space_to_depth_once():
    assert names(resampler(3, 6)) == [
        "r_space_to_depth",
        *("r_down1_depthwise", "r_down1_bn", "r_down1_swish"),
        *("r_down2_depthwise", "r_down2_bn", "r_down2_swish"),
        *("r_conv", "r_bn"),
    ]
    assert names(resampler(3, 4)) == ["r_conv", "r_bn"]


def test_without_space_to_depth_every_level_is_a_depthwise_convolution():
    assert names(resampler(3, 5, use_space_to_depth=False)) == [
        *("r_down1_depthwise", "r_down1_bn", "r_down1_swish"),
        *("r_down2_depthwise", "r_down2_bn", "r_down2_swish"),
        *("r_conv", "r_bn"),
    ]


def test_a_map_of_the_same_level_and_width_passes_a_convolution_too():
    assert names(resampler(4, 4, channels=8)) == ["r_conv", "r_bn"]


def outcome(model, inputs, training=True):
    """Output, gradients by input and by variables of a fixed sum of it, and all weights after."""
    import tensorflow as tf

    inputs = [tf.constant(x) for x in inputs]
    with tf.GradientTape() as tape:
        tape.watch(inputs[0])
        outputs = model(inputs, training=training)
        weights = tf.cos(tf.reshape(tf.range(tf.size(outputs), dtype="float32"), outputs.shape))
        target = tf.reduce_sum(outputs * weights)
    variables = [variable.value for variable in model.trainable_variables]
    gradients = tape.gradient(target, [inputs[0], *variables])
    return [outputs.numpy(), *(g.numpy() for g in gradients), *model.get_weights()]


def assert_same(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one.ravel(), other.ravel(), rtol=1e-4, atol=2e-4)


@pytest.mark.parametrize("training", [True, False])
def test_the_convolution_may_come_before_upsampling(training):
    """The paper upsamples first; outputs, gradients and batch statistics are the same."""
    size = (64, 96)  # uncropped: where maps are cropped, the border counts for less in the mean
    inputs = maps_of(*size, 5), np.zeros((2, *size, 3), "float32")
    model = resampler(5, 3)

    x = keras.Input((None, None, 5))
    images = keras.Input((None, None, 3))
    y = NearestUpsampling(5, 3)(x, images)
    y = layers.Conv2D(8, 1, use_bias=False)(y)
    written = keras.Model([x, images], BatchNormalization()(y))
    written.set_weights(model.get_weights())
    assert_same(outcome(model, inputs, training), outcome(written, inputs, training))


@pytest.mark.parametrize("size", [(8, 12), (7, 12), (9, 5)])
def test_space_to_depth_and_1x1_are_one_2x2_convolution(size):
    """Outputs, gradients and batch statistics, of even and of odd sizes."""
    inputs = [RANDOM.normal(size=(2, *size, 5)).astype("float32"), np.zeros((2, 1, 1, 3))]
    model = resampler(3, 4)
    kernel = model.get_layer("r_conv").get_weights()[0]
    assert kernel.shape == (2, 2, 5, 8)

    x = keras.Input((None, None, 5))
    y = layers.Conv2D(8, 1, use_bias=False)(SpaceToDepth()(x))
    written = keras.Model([x, keras.Input((None, None, 3))], BatchNormalization()(y))
    # Space-to-depth puts the square's rows and columns before the channels.
    written.set_weights([kernel.reshape(1, 1, 20, 8), *model.get_weights()[1:]])
    assert_same(outcome(model, inputs), outcome(written, inputs))


def test_spinenet_resamples_in_a_part_of_the_width():
    assert names(resampler(3, 6, inner_width=3)) == [
        *("r_inner_conv", "r_inner_bn", "r_inner_swish"),
        *("r_down1_conv", "r_down1_bn", "r_down1_swish"),
        *("r_down2_pool", "r_down3_pool"),
        *("r_conv", "r_bn"),
    ]
    assert names(resampler(5, 3, inner_width=3)) == [
        *("r_inner_conv", "r_inner_bn", "r_inner_swish"),
        *("r_conv", "r_bn", "r_upsample"),
    ]


@pytest.mark.parametrize(
    ("levels", "inner_width", "step", "size", "strides"),
    [
        ((3, 5), None, "r_down1_depthwise", 3, 2),  # after space-to-depth one level is left
        ((3, 6), None, "r_down1_depthwise", 5, 4),
        ((3, 7), None, "r_down1_depthwise", 5, 8),
        ((3, 5), 3, "r_down2_pool", 3, 2),
        ((3, 6), 3, "r_down2_pool", 5, 4),
    ],
)
@pytest.mark.parametrize("image", [(128, 128), (100, 75)])
def test_what_is_left_of_the_way_down_may_be_one_step(
    levels, inner_width, step, size, strides, image
):
    arguments = {"one_step_down": True, "inner_width": inner_width}
    model = resampler(*levels, size=image, **arguments)
    layer = model.get_layer(step)
    found = getattr(layer, "pool_size", None) or layer.kernel_size
    assert (found, layer.strides) == ((size, size), (strides, strides))
    assert model.output_shape == (None, *(level_size(n, levels[1]) for n in image), 8)


def test_space_to_depth_may_be_normalised_even_where_it_is_all():
    assert names(resampler(3, 4, normalized_space_to_depth=True)) == [
        *("r_space_to_depth", "r_space_to_depth_bn", "r_space_to_depth_swish"),
        *("r_conv", "r_bn"),
    ]
