"""Predictions of one class of several."""

import numpy as np
import pytest
import tensorflow as tf

from keras_effspine.layers.class_selection import ClassSelection

RANDOM = np.random.default_rng(0)
CLASSES = np.array([[0, 2, 1], [3, -1, 0]], "int32")


@pytest.mark.parametrize("has_background", [False, True])
def test_it_takes_the_four_values_of_each_regions_class(has_background):
    predictions = RANDOM.normal(size=(2, 3, 5 * 4)).astype("float32")
    found = ClassSelection(values=4, has_background=has_background)(predictions, CLASSES).numpy()
    for place in np.ndindex(2, 3):
        first = 4 * (max(CLASSES[place], 0) + has_background)
        np.testing.assert_array_equal(found[place], predictions[place][first : first + 4])


@pytest.mark.parametrize("has_background", [False, True])
def test_it_takes_the_mask_of_each_regions_class(has_background):
    predictions = RANDOM.normal(size=(2, 3, 6, 7, 5)).astype("float32")
    layer = ClassSelection(has_background=has_background)
    found = layer(predictions, CLASSES.astype("float32")).numpy()
    assert found.shape == (2, 3, 6, 7)
    for place in np.ndindex(2, 3):
        expected = predictions[place][..., max(CLASSES[place], 0) + has_background]
        np.testing.assert_array_equal(found[place], expected)
    copy = ClassSelection.from_config(layer.get_config())
    np.testing.assert_array_equal(copy(predictions, CLASSES), found)


def test_a_gradient_goes_to_what_was_taken_alone():
    predictions = tf.Variable(RANDOM.normal(size=(2, 3, 8)).astype("float32"))
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(ClassSelection(values=2)(predictions, CLASSES))
    gradient = tape.gradient(value, predictions).numpy()
    expected = np.zeros((2, 3, 8))
    for place in np.ndindex(2, 3):
        first = 2 * max(CLASSES[place], 0)
        expected[place][first : first + 2] = 1
    np.testing.assert_array_equal(gradient, expected)
