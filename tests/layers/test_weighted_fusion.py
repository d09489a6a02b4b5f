"""Equation 1 of arXiv:2010.11426."""

import keras
import numpy as np
import pytest

from keras_effspine.layers.weighted_fusion import WeightedFusion

RANDOM = np.random.default_rng(0)
INPUTS = [RANDOM.normal(size=(2, 3, 4, 5)).astype("float32") for _ in range(3)]


def fused(weights, inputs=INPUTS, **arguments):
    layer = WeightedFusion(**arguments)
    layer.build([x.shape for x in inputs])
    layer.set_weights([np.array(weights, "float32")])
    return layer(inputs)


@pytest.mark.parametrize("weights", [(1, 1, 1), (0.2, 3, 0.7), (1, -2, 0.5), (0, 0, 1e-3)])
def test_it_is_equation_1(weights):
    positive = np.maximum(weights, 0)
    expected = sum(w * x for w, x in zip(positive, INPUTS, strict=True)) / (positive.sum() + 1e-3)
    np.testing.assert_allclose(fused(weights), expected, rtol=1e-5, atol=1e-6)


def test_an_input_with_a_negative_weight_has_no_influence():
    others = [INPUTS[0], INPUTS[1] + 100, INPUTS[2]]
    np.testing.assert_array_equal(fused((1, -2, 0.5)), fused((1, -2, 0.5), others))


def test_without_a_positive_weight_the_result_is_zero():
    np.testing.assert_array_equal(fused((-1, -1, 0)), np.zeros_like(INPUTS[0]))


def test_epsilon_is_the_denominators_constant():
    np.testing.assert_allclose(fused((1, 1, 1), epsilon=3.0), sum(INPUTS) / 6, rtol=1e-5, atol=1e-6)


def test_it_starts_as_the_average_of_its_inputs():
    np.testing.assert_allclose(WeightedFusion()(INPUTS), sum(INPUTS) / 3.001, rtol=1e-5, atol=1e-6)


def test_it_has_one_trainable_scalar_an_input():
    layer = WeightedFusion()
    layer(INPUTS)
    assert [tuple(v.shape) for v in layer.trainable_variables] == [(3,)]


def test_it_keeps_the_precision_of_its_policy():
    outputs = fused((1, 2, 3), dtype="mixed_bfloat16")
    assert outputs.dtype == "bfloat16"
    np.testing.assert_allclose(np.asarray(outputs, "float32"), fused((1, 2, 3)), atol=0.05)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_its_weights_are_rounded_once_in_half_precision(dtype):
    """Epsilon counts, and so does each digit of the sum, until the quotient is rounded."""
    ones, zeros = (np.full((1, 1, 1, 1), value, "float32") for value in (1.0, 0.0))
    for weights in RANDOM.uniform(0.1, 0.4, (20, 2)).astype("float32"):
        exact = weights[0] / (weights.sum() + np.float32(1e-3))
        outputs = fused(weights, [ones, zeros], dtype=f"mixed_{dtype}")
        assert outputs[0, 0, 0, 0] == keras.ops.cast(exact, dtype)


def test_it_survives_its_config():
    layer = WeightedFusion(1e-4, name="fusion")
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert isinstance(copy, WeightedFusion)
    assert copy.get_config() == layer.get_config()
