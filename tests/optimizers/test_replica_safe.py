"""Optimizers whose update does not depend on the number of replicas."""

import json
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_effspine.optimizers import SGD, AdamW, LossScaleOptimizer, RMSprop, WarmupSchedule

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("optimizer_class", [SGD, AdamW, RMSprop])
def test_an_optimizer_keeps_its_values_when_it_is_saved(optimizer_class):
    schedule = WarmupSchedule(0.4, 100, warmup_steps=10, warmup_start=0.1, drops=[(50, 0.1)])
    arguments = {"learning_rate": schedule, "weight_decay": 0.5, "global_clipnorm": 3.0}
    if optimizer_class is not AdamW:
        arguments["l2"] = 0.25
    optimizer = optimizer_class(**arguments)
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    assert type(copy) is optimizer_class
    assert copy.get_config() == optimizer.get_config()
    for step in (0, 5, 10, 49, 50, 99):
        assert float(copy._learning_rate(step)) == float(schedule(step))
    # Keras' own optimizers forget which weights do not decay.
    bias = keras.Variable(np.ones(2, "float32"), name="bias")
    copy.build([bias])
    copy.apply([np.zeros(2, "float32")])
    np.testing.assert_array_equal(bias, np.ones(2))


def test_the_cosine_falls_from_the_end_of_the_warm_up_to_zero():
    schedule = WarmupSchedule(1.0, 110, warmup_steps=10)
    rates = [float(schedule(step)) for step in (0, 5, 10, 60, 110, 200)]
    np.testing.assert_allclose(rates, [0, 0.5, 1, 0.5, 0, 0], atol=1e-6)


def test_the_exponential_falls_in_steps_that_are_counted_from_the_first():
    schedule = WarmupSchedule(1.0, 1000, warmup_steps=10, exponential=(0.5, 24.0))
    rates = [float(schedule(step)) for step in (5, 10, 23, 24, 47, 48)]
    np.testing.assert_allclose(rates, [0.5, 1, 1, 0.5, 0.5, 0.25], atol=1e-6)
    again = WarmupSchedule.from_config(schedule.get_config())
    assert float(again(30)) == 0.5


PROGRAM = pathlib.Path(__file__).with_name("optimizers_on_replicas.py")


@pytest.fixture(scope="module")
def weights():
    """Weights after a clipped and decayed step: of each optimizer, with one replica and four."""
    run = subprocess.run([sys.executable, str(PROGRAM)], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-4000:]
    return json.loads(run.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", ["sgd", "adamw", "rmsprop"])
def test_a_clipped_and_decayed_step_is_the_same_on_four_replicas(weights, name):
    one, four = weights[name]
    np.testing.assert_allclose(four, one, rtol=1e-5)


@pytest.mark.parametrize("accumulated", [None, 4])
@pytest.mark.parametrize("name", ["sgd", "adamw", "scaled"])
def test_weights_and_averages_are_the_same_on_four_replicas(weights, name, accumulated):
    """Six batches: an update each, or one for four of them and two that wait."""
    one, four = weights[f"{name} {accumulated}"]
    for alone, together in zip(one, four, strict=True):
        np.testing.assert_allclose(together, alone, rtol=1e-5, atol=1e-6)
    assert np.abs(np.subtract(*one)).max() > 1e-3, "the averages are the weights"


@pytest.mark.parametrize("optimizer_class", [SGD, AdamW])
def test_accumulated_batches_move_the_weights_as_one_large_batch_does(optimizer_class):
    gradients = np.random.default_rng(0).normal(size=(6, 3)).astype("float32")
    values = {"learning_rate": 0.5, "weight_decay": 0.1, "global_clipnorm": 0.7}
    kernels = [keras.Variable(np.ones(3, "float32"), name="kernel") for _ in range(2)]
    in_parts = optimizer_class(**values, gradient_accumulation_steps=3)
    at_once = optimizer_class(**values)
    in_parts.build(kernels[:1])
    at_once.build(kernels[1:])
    for number, gradient in enumerate(gradients, start=1):
        before = kernels[0].numpy()
        in_parts.apply([gradient])
        if number % 3:
            np.testing.assert_array_equal(kernels[0], before)
        else:
            at_once.apply([gradients[number - 3 : number].mean(0)])
            np.testing.assert_allclose(kernels[0], kernels[1], rtol=1e-6)
    assert int(in_parts.iterations) == int(at_once.iterations) == 2


def test_loss_scaling_counts_the_steps_that_it_leaves_out():
    kernel = keras.Variable(np.ones(2, "float32"), name="kernel")
    optimizer = LossScaleOptimizer(SGD(0.5))
    optimizer.build([kernel])
    for gradient in (1.0, np.inf, 1.0):
        optimizer.apply([np.full(2, gradient, "float32")])
    assert int(optimizer.iterations) == 2
    assert int(optimizer._iterations) == 3
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    assert type(copy) is LossScaleOptimizer


def test_an_overflow_on_one_replica_leaves_the_step_out_on_all(weights):
    one, four = weights["overflow"]
    np.testing.assert_allclose(four["weights"], one["weights"], rtol=1e-5)
    assert four["scales"] == [[8.0] * 4, [4.0] * 4, [4.0] * 4, [8.0] * 4]
    assert four["updates"] == one["updates"] == 3


def test_keras_own_loss_scaling_takes_the_overflow_of_another_replica_for_a_gradient(weights):
    """The reason for the remedy; if this fails, Keras has changed, and the remedy may go."""
    one, four = weights["keras overflow"]
    assert np.isfinite(one["weights"]).all()
    assert not np.isfinite(four["weights"]).all()


def test_keras_own_clipping_depends_on_the_replicas(weights):
    """The reason for the remedy; if this fails, Keras has changed, and the remedy may go."""
    one, four = weights["keras"]
    assert np.abs(np.subtract(one, four)).max() > 0.01
