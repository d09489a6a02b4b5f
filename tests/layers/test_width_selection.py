"""What depends on widths is decided when a network is computed."""

import keras
import numpy as np

from keras_effspine.layers.width_selection import AddIfAsWide, SelectedWidths, TakeIfAsWide


def maps(channels, seed=0):
    return np.random.default_rng(seed).normal(size=(2, 5, 4, channels)).astype("float32")


def test_what_is_as_wide_is_added_or_taken_and_nothing_else():
    one, same, other = maps(4), maps(4, seed=1), maps(3, seed=2)
    np.testing.assert_array_equal(AddIfAsWide()(one, same), one + same)
    np.testing.assert_array_equal(AddIfAsWide()(one, same, 2 * same), one + 2 * same)
    np.testing.assert_array_equal(AddIfAsWide()(one, other, 2 * other), other)
    np.testing.assert_array_equal(TakeIfAsWide()(one, same), one)
    np.testing.assert_array_equal(TakeIfAsWide()(one, other), other)


def test_the_selected_widths_are_a_weight_that_does_not_learn():
    layer = SelectedWidths((8, 16))
    assert layer(maps(1)).numpy().tolist() == [8, 16]
    layer.selected.assign([8, 24])
    assert layer(maps(1)).numpy().tolist() == [8, 24]
    assert not layer.trainable_variables and len(layer.weights) == 1
    copy = SelectedWidths.from_config(layer.get_config())
    assert copy(maps(1)).numpy().tolist() == [8, 16]
    assert keras.saving.get_registered_object("keras_effspine>SelectedWidths") is SelectedWidths
