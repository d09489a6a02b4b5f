"""Swish with a compiled gradient is Keras' swish."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_effspine.layers.activation import Activation


def outputs_and_gradient(layer, x, upstream, shape, jit_compile=False):
    @tf.function(input_signature=[tf.TensorSpec(shape, x.dtype)], jit_compile=jit_compile)
    def step(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            outputs = layer(x)
        return outputs, tape.gradient(outputs, x, upstream)

    results = [np.asarray(result, "float32") for result in step(x)]
    return results, step.get_concrete_function().graph.as_graph_def()


def compiled_calls(graph):
    return [node for node in graph.node if node.attr["_XlaMustCompile"].b]


@pytest.mark.parametrize("name", ["swish", "relu", "sigmoid"])
@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-6), ("bfloat16", 2e-2)])
@pytest.mark.parametrize("shape", [(3, 5, 4, 6), (None, 5, 4, 6), (None, None, None, 6)])
def test_outputs_and_gradients_are_those_of_keras(name, dtype, tolerance, shape):
    random = np.random.default_rng(0)
    x, upstream = (tf.cast(random.normal(0, 4, (3, 5, 4, 6)), dtype) for _ in range(2))
    ours, graph = outputs_and_gradient(Activation(name, dtype=dtype), x, upstream, shape)
    theirs, _ = outputs_and_gradient(keras.layers.Activation(name, dtype=dtype), x, upstream, shape)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
    # Compiled are gradients of maps of a known size alone: a size of its own each would not pay.
    assert len(compiled_calls(graph)) == (name == "swish" and None not in shape[1:])


def test_extreme_values_have_finite_gradients():
    x = tf.constant([[-1e30, -200.0, -0.0, 200.0, 1e30]])
    (outputs, gradient), _ = outputs_and_gradient(Activation("swish"), x, tf.ones_like(x), x.shape)
    np.testing.assert_allclose(outputs, [[0, 0, 0, 200, 1e30]], atol=1e-6)
    np.testing.assert_allclose(gradient, [[0, 0, 0.5, 1, 1]], atol=1e-6)


def test_it_works_within_a_compiled_step():
    x = tf.random.normal((2, 3, 3, 4), seed=1)
    plain, _ = outputs_and_gradient(Activation("swish"), x, tf.ones_like(x), x.shape)
    jitted, _ = outputs_and_gradient(Activation("swish"), x, tf.ones_like(x), x.shape, True)
    for a, b in zip(plain, jitted, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_nothing_is_compiled_for_replicas():
    x = tf.ones((2, 3, 3, 4))
    with tf.distribute.MirroredStrategy(["cpu:0"]).scope():
        _, graph = outputs_and_gradient(Activation("swish"), x, x, x.shape)
    assert not compiled_calls(graph)
    with tf.distribute.OneDeviceStrategy("cpu:0").scope():
        _, graph = outputs_and_gradient(Activation("swish"), x, x, x.shape)
    assert compiled_calls(graph)
