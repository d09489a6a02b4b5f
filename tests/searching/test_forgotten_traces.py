"""Nothing of a candidate stays in the process."""

import contextlib

import pytest
import tensorflow as tf
from tensorflow.python.framework import ops

from keras_effspine.searching.forgotten_traces import forgotten_traces


def trace():
    @tf.custom_gradient
    def doubled(x):
        return 2.0 * x, lambda upstream: 2.0 * upstream

    tf.function(doubled)(tf.constant(1.0))


@pytest.mark.parametrize("error", [None, ValueError])
def test_gradients_that_were_registered_within_are_gone(error):
    trace()
    before = set(ops.gradient_registry.list())
    expected = pytest.raises(error) if error else contextlib.nullcontext()
    with expected, forgotten_traces():
        trace()
        assert set(ops.gradient_registry.list()) > before
        if error:
            raise error
    assert set(ops.gradient_registry.list()) == before
