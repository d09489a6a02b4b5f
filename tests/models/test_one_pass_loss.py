"""A loss in one pass is the loss."""

import keras
import keras_cv
import numpy as np
import pytest
import tensorflow as tf

from keras_effspine.models import one_pass_loss
from keras_effspine.models.huber import Huber
from keras_effspine.models.one_pass_loss import OnePassLoss

LOSSES = {
    "focal": lambda: keras_cv.losses.FocalLoss(from_logits=True, reduction="sum"),
    "focal 1.7": lambda: keras_cv.losses.FocalLoss(gamma=1.7, from_logits=True, reduction="sum"),
    "focal, smooth labels": lambda: keras_cv.losses.FocalLoss(
        from_logits=True, label_smoothing=0.1, reduction="sum"
    ),
    "focal 1.5": lambda: keras_cv.losses.FocalLoss(gamma=1.5, from_logits=True, reduction="sum"),
    "smooth l1": lambda: keras_cv.losses.SmoothL1Loss(reduction="sum"),
    "huber": lambda: Huber(delta=0.1, reduction="sum"),
    "own": lambda: SquaredError(reduction="sum"),
}


class SquaredError(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return keras.ops.sum(keras.ops.square(y_true - y_pred), axis=-1)


def value_and_gradient(loss, y_true, y_pred, weights):
    @tf.function
    def step(y_true, y_pred, weights):
        with tf.GradientTape() as tape:
            tape.watch(y_pred)
            value = 3.0 * loss(y_true, y_pred, weights)
        return value, tape.gradient(value, y_pred)

    return [result.numpy() for result in step(y_true, y_pred, weights)]


@pytest.mark.parametrize("strategy", [None, tf.distribute.MirroredStrategy])
@pytest.mark.parametrize("name", LOSSES)
def test_value_and_gradient_are_those_of_the_loss(name, strategy):
    random = np.random.default_rng(0)
    y_pred = tf.constant(random.normal(0, 4, (2, 50, 7)).astype("float32"))
    weights = tf.constant(random.uniform(0, 1, (2, 50)).astype("float32"))
    classes = tf.constant(random.integers(-2, 7, (2, 50)).astype("float32"))
    one_hot = tf.one_hot(tf.cast(classes, "int32"), 7)
    loss = LOSSES[name]()
    expected = value_and_gradient(loss, one_hot, y_pred, weights)
    with strategy(["cpu:0"]).scope() if strategy else tf.device("cpu:0"):
        found = [
            value_and_gradient(OnePassLoss(loss, 7), classes, y_pred, weights),
            value_and_gradient(OnePassLoss(loss), one_hot, y_pred, weights),
        ]
    for value, gradient in found:
        np.testing.assert_allclose(value, expected[0], rtol=1e-5)
        np.testing.assert_allclose(gradient, expected[1], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("gamma", [1.5, 2.0])
def test_many_anchors_are_worked_on_in_parts(gamma, monkeypatch):
    monkeypatch.setattr(one_pass_loss, "_ANCHORS_AT_A_TIME", 20)
    random = np.random.default_rng(0)
    y_pred = tf.constant(random.normal(0, 4, (2, 50, 7)).astype("float32"))
    weights = tf.constant(random.uniform(0, 1, (2, 50)).astype("float32"))
    classes = tf.constant(random.integers(-2, 7, (2, 50)).astype("float32"))
    one_hot = tf.one_hot(tf.cast(classes, "int32"), 7)
    loss = keras_cv.losses.FocalLoss(gamma=gamma, from_logits=True, reduction="sum")
    ours = OnePassLoss(loss, 7)
    assert [part[1].shape[1] for part in ours._parts(classes, y_pred, weights)] == [20, 20, 10]
    expected = value_and_gradient(loss, one_hot, y_pred, weights)
    found = value_and_gradient(ours, classes, y_pred, weights)
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-5)
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("gamma", [1.5, 2.0])
def test_extreme_logits_have_finite_losses_and_gradients(gamma):
    y_pred = tf.constant([[[-1e4, -200.0, 0.0, 200.0, 1e4]] * 2])
    loss = keras_cv.losses.FocalLoss(gamma=gamma, from_logits=True, reduction="sum")
    y_true, weights = tf.constant([[-1.0, 0.0]]), tf.ones((1, 2))
    found = value_and_gradient(OnePassLoss(loss, 5), y_true, y_pred, weights)
    expected = value_and_gradient(loss, tf.one_hot(tf.cast(y_true, "int32"), 5), y_pred, weights)
    for ours, theirs in zip(found, expected, strict=True):
        assert np.isfinite(ours).all()
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
