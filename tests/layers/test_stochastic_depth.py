"""Residual branches left out at random."""

import keras
import numpy as np
import pytest

from keras_effspine.layers.stochastic_depth import StochasticDepth

ROWS = 4000


def dropped(outputs):
    return (np.asarray(outputs, "float32") == 0).all(axis=(1, 2, 3))


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_branches_are_dropped_at_the_rate_and_the_mean_stays(rate):
    outputs = np.asarray(StochasticDepth(rate, seed=3)(np.ones((ROWS, 1, 1, 1)), training=True))
    deviation = (rate * (1 - rate) / ROWS) ** 0.5
    assert abs(dropped(outputs).mean() - rate) < 4 * deviation
    assert abs(outputs.mean() - 1.0) < 4 * deviation / (1 - rate)
    np.testing.assert_allclose(outputs[~dropped(outputs)], 1 / (1 - rate), rtol=1e-6)


def test_a_branch_is_dropped_for_a_whole_sample():
    x = np.random.default_rng(0).normal(size=(50, 3, 4, 5)).astype("float32")
    outputs = np.asarray(StochasticDepth(0.5, seed=3)(x, training=True))
    gone = dropped(outputs)
    assert 0 < gone.sum() < 50
    np.testing.assert_allclose(outputs[~gone], 2 * x[~gone], rtol=1e-6)


def test_each_step_drops_other_branches():
    layer = StochasticDepth(0.5, seed=3)
    x = np.ones((64, 1, 1, 1))
    assert (dropped(layer(x, training=True)) != dropped(layer(x, training=True))).any()


def test_a_seed_makes_it_repeatable():
    x = np.ones((64, 1, 1, 1))
    first, second = (StochasticDepth(0.5, seed=3)(x, training=True) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("training", [False, None])
def test_without_training_the_branch_passes_unchanged(training):
    x = np.random.default_rng(0).normal(size=(8, 2, 2, 3)).astype("float32")
    np.testing.assert_array_equal(StochasticDepth(0.9)(x, training=training), x)


def test_a_rate_of_zero_passes_the_branch_unchanged():
    x = np.ones((8, 2, 2, 3), "float32")
    np.testing.assert_array_equal(StochasticDepth(0.0)(x, training=True), x)


@pytest.mark.parametrize("rate", [-0.1, 1.0, 2])
def test_a_rate_outside_0_to_1_is_refused(rate):
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\)"):
        StochasticDepth(rate)


def test_it_keeps_the_precision_of_its_policy():
    layer = StochasticDepth(0.5, dtype="mixed_bfloat16")
    assert layer(np.ones((8, 2, 2, 3), "float32"), training=True).dtype == "bfloat16"


def test_it_survives_its_config():
    layer = StochasticDepth(0.3, seed=7, name="drop")
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert isinstance(copy, StochasticDepth)
    assert copy.get_config() == layer.get_config()
