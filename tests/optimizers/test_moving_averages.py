"""Averages of the weights."""

import keras
import numpy as np
import pytest

from keras_effspine.optimizers import SGD, MovingAverages


def small_model():
    layers = [keras.layers.BatchNormalization(), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input([3]), *layers])
    model.compile(SGD(0.05), "mse")
    model.optimizer.build(model.trainable_variables)
    return model


def train(model, steps):
    """Trains on pictures of noise; returns the weights after each step."""
    random = np.random.default_rng(0)
    weights = []
    for _ in range(steps):
        model.train_on_batch(random.normal(3.0, 2.0, (8, 3)), random.normal(size=(8, 1)))
        weights.append(model.get_weights())
    return weights


def test_averages_are_those_of_the_formula_statistics_included():
    model = small_model()
    averages = MovingAverages(model, 0.5)
    model.optimizer.averages = averages
    expected = model.get_weights()
    for updates, weights in enumerate(train(model, 12)):
        momentum = min(0.5, (1 + updates) / (10 + updates))
        expected = [
            momentum * average + (1 - momentum) * weight
            for average, weight in zip(expected, weights, strict=True)
        ]
    with averages.in_place():
        for average, value in zip(model.get_weights(), expected, strict=True):
            np.testing.assert_allclose(average, value, rtol=1e-5, atol=1e-6)
    moving_mean = [weight.path for weight in model.weights].index(
        next(weight.path for weight in model.weights if "moving_mean" in weight.path)
    )
    assert np.all(expected[moving_mean] > 0.05)


def test_the_weights_come_back_also_after_an_interrupt():
    model = small_model()
    averages = MovingAverages(model, 0.9)
    model.optimizer.averages = averages
    weights = train(model, 5)[-1]
    with pytest.raises(KeyboardInterrupt):
        with averages.in_place():
            assert not np.array_equal(model.get_weights()[0], weights[0])
            raise KeyboardInterrupt
    for now, before in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(now, before)
    # Interrupted while the weights are put back: the first of them is, the others are not.
    averages.weights_aside = weights
    model.set_weights([weights[0], *(np.zeros_like(weight) for weight in weights[1:])])
    with averages.in_place():
        pass
    for now, before in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(now, before)


def test_without_a_momentum_nothing_is_averaged():
    model = small_model()
    averages = MovingAverages(model)
    model.optimizer.averages = averages
    weights = train(model, 3)[-1]
    with averages.in_place():
        assert averages.weights_aside == []
        for now, before in zip(model.get_weights(), weights, strict=True):
            np.testing.assert_array_equal(now, before)
