"""Dropout of features."""

import keras
import numpy as np

from keras_effspine.layers.dropout import Dropout


def test_features_are_dropped_in_training_alone_and_their_mean_stays():
    x = np.ones((200, 100), "float32")
    layer = Dropout(0.3, seed=1)
    np.testing.assert_array_equal(layer(x), x)
    found = keras.ops.convert_to_numpy(layer(x, training=True))
    assert abs((found == 0).mean() - 0.3) < 0.02
    np.testing.assert_allclose(found[found != 0], 1 / 0.7, rtol=1e-6)
    assert not np.array_equal(found, layer(x, training=True))


def test_a_layer_made_again_has_the_same_rate_and_seed():
    again = Dropout.from_config(Dropout(0.3, seed=4).get_config())
    assert (again.rate, again.seed) == (0.3, 4)
