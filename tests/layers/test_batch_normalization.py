"""Batch normalisation with the fused kernel is Keras' batch normalisation."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_effspine.layers.batch_normalization import BatchNormalization

SHAPES = [(4, 5, 3, 6), (2, 1, 1, 3), (1, 1, 1, 3), (1, 7, 7, 1)]


def pair(shape, **arguments):
    """Our layer and Keras', with the same weights that are not the initial ones."""
    layers = BatchNormalization(**arguments), keras.layers.BatchNormalization(**arguments)
    random = np.random.default_rng(1)
    for layer in layers:
        layer.build(shape)
    weights = [random.uniform(0.5, 2.0, w.shape) for w in layers[0].get_weights()]
    for layer in layers:
        layer.set_weights(weights)
    return layers


def run(layer, x, upstream, training, jit_compile=False):
    @tf.function(jit_compile=jit_compile)
    def step(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            outputs = layer(x, training=training)
            loss = tf.reduce_sum(tf.cast(outputs, "float32") * upstream)
        sources = [x, *(v.value for v in layer.trainable_variables)]
        return outputs, *tape.gradient(loss, sources)

    return [np.asarray(r, "float32") for r in (*step(x), *layer.non_trainable_variables)]


def inputs(shape):
    random = np.random.default_rng(0)
    x = random.normal(3.0, 5.0, shape).astype("float32")
    return tf.constant(x), random.normal(size=shape).astype("float32")


def assert_same(ours, theirs, tolerance=2e-5):
    assert len(ours) == len(theirs)
    for index, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        scale = max(1.0, np.abs(b).max())
        np.testing.assert_allclose(a / scale, b / scale, atol=tolerance, err_msg=str(index))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_outputs_gradients_and_statistics_are_those_of_keras(shape, training):
    ours, theirs = pair(shape, momentum=0.7)
    x, upstream = inputs(shape)
    assert_same(run(ours, x, upstream, training), run(theirs, x, upstream, training))


def test_they_are_with_xla_too():
    ours, theirs = pair(SHAPES[0], momentum=0.7)
    x, upstream = inputs(SHAPES[0])
    assert_same(run(ours, x, upstream, True, jit_compile=True), run(theirs, x, upstream, True))


def test_training_updates_the_statistics_and_inference_does_not():
    layer, _ = pair(SHAPES[0])
    before = [v.numpy() for v in layer.non_trainable_variables]
    x, _ = inputs(SHAPES[0])
    layer(x, training=False)
    for old, new in zip(before, layer.non_trainable_variables, strict=True):
        np.testing.assert_array_equal(old, new)
    layer(x, training=True)
    for old, new in zip(before, layer.non_trainable_variables, strict=True):
        assert (old != new.numpy()).all()


def test_a_frozen_layer_runs_as_in_inference():
    ours, theirs = pair(SHAPES[0])
    ours.trainable = theirs.trainable = False
    x, upstream = inputs(SHAPES[0])
    before = [v.numpy() for v in ours.variables]
    outputs = ours(x, training=True)
    np.testing.assert_array_equal(outputs, theirs(x, training=True))
    np.testing.assert_array_equal(outputs, ours(x, training=False))
    for old, new in zip(before, ours.variables, strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize(
    "arguments",
    [
        {"scale": False},
        {"center": False},
        {"axis": 1},
        {"axis": 3},
        {"renorm": True},
        {"dtype": "float64"},
    ],
    ids=str,
)
def test_arguments_of_keras_layer_mean_the_same_here(arguments):
    ours, theirs = pair(SHAPES[0], **arguments)
    x, upstream = inputs(SHAPES[0])
    assert_same(run(ours, x, upstream, True), run(theirs, x, upstream, True))
    assert ours(x, training=True).dtype == theirs(x, training=True).dtype


@pytest.mark.parametrize("shape", [(6, 4), (6, 3, 4), (2, 3, 3, 3, 4)])
def test_inputs_that_are_no_feature_maps_are_normalised_too(shape):
    ours, theirs = pair(shape)
    x, upstream = inputs(shape)
    assert_same(run(ours, x, upstream, True), run(theirs, x, upstream, True))


def test_under_mixed_precision_outputs_are_half_and_statistics_single():
    ours, theirs = pair(SHAPES[0], dtype="mixed_bfloat16")
    x, upstream = inputs(SHAPES[0])
    assert ours(x, training=True).dtype == "bfloat16"
    assert {v.dtype for v in ours.variables} == {"float32"}
    theirs(x, training=True)
    assert_same(run(ours, x, upstream, True), run(theirs, x, upstream, True), tolerance=2e-2)


def test_it_survives_its_config():
    layer = BatchNormalization(0.9, 1e-4, name="bn", scale=False)
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert isinstance(copy, BatchNormalization)
    assert copy.get_config() == layer.get_config()
    assert copy.synchronized
