"""Random brightness, contrast and saturation."""

import numpy as np
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_effspine.stream.colour_jitter import colour_jitter

GREY = np.array([0.299, 0.587, 0.114])


def reference(image, brightness, contrast, saturation):
    """One step after the other, pixel by pixel."""
    image = image * brightness
    mean = (image @ GREY).mean()
    image = (image - mean) * contrast + mean
    for row in image:
        for pixel in row:
            grey = pixel @ GREY
            pixel[:] = (pixel - grey) * saturation + grey
    return np.clip(image, 0, 255)


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 1), st.integers(0, 2**31 - 1))
def test_colours_are_those_of_the_reference(strength, seed):
    image = np.random.default_rng(seed).integers(0, 256, (5, 7, 3))
    factors = tf.random.stateless_uniform([3], (seed, 1), 1 - strength, 1 + strength)
    result = colour_jitter(image.astype("uint8"), strength, (seed, 1))
    wanted = reference(image.astype("float64"), *factors.numpy().astype("float64"))
    np.testing.assert_allclose(result, wanted, atol=0.01)


def test_without_strength_nothing_changes_and_with_it_seeds_differ():
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype("uint8")
    np.testing.assert_allclose(colour_jitter(image, 0.0, (1, 1)), image, atol=1e-3)
    first, second = (colour_jitter(image, 0.5, (seed, 1)).numpy() for seed in (1, 2))
    assert abs(first - second).max() > 5
    np.testing.assert_array_equal(first, colour_jitter(image, 0.5, (1, 1)))
