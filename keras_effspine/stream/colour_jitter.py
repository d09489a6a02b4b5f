"""Random brightness, contrast and saturation."""

import tensorflow as tf

_GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601


def colour_jitter(image: tf.Tensor, strength: float, seed: tf.Tensor) -> tf.Tensor:
    """Multiplies brightness, then contrast, then saturation, each by a random factor.

    The three are linear in a pixel's colour, so that they are applied at once. The factors are
    torchvision's `ColorJitter`'s: contrast is about the mean grey of the picture, saturation about
    the grey of each pixel.

    Args:
        image: uint8 or float `(height, width, 3)`, RGB from 0 to 255.
        strength: from 0 to 1: the factors lie between one minus and one plus this.
        seed: int `(2,)`, for TensorFlow's stateless random numbers.

    Returns:
        float32 `(height, width, 3)` from 0 to 255.
    """
    image = tf.cast(image, "float32")
    factors = tf.random.stateless_uniform([3], seed, 1 - strength, 1 + strength)
    brightness, contrast, saturation = tf.unstack(factors)
    grey = tf.constant(_GREY)
    mean = brightness * tf.tensordot(tf.reduce_mean(image, [0, 1]), grey, 1)
    mix = saturation * tf.eye(3) + (1 - saturation) * tf.tile(grey[:, None], [1, 3])
    pixels = tf.reshape(image, [-1, 3]) @ (brightness * contrast * mix) + (1 - contrast) * mean
    return tf.clip_by_value(tf.reshape(pixels, tf.shape(image)), 0.0, 255.0)
