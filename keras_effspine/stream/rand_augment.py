"""RandAugment (arXiv:1909.13719): some of 14 changes of a picture, chosen at random.

Moves leave boxes and masks behind, so that it is for pictures that have a class as a whole. The
changes are Pillow's, which the public policies use; what a move uncovers is grey.
"""

import math

import tensorflow as tf

_GREY = 128.0
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601

# The ranges of the public code at its full magnitude of 10.
_DEGREES, _SHEAR, _TRANSLATION, _ENHANCEMENT, _BITS = 30.0, 0.3, 0.3, 0.9, 4


def rand_augment(image: tf.Tensor, operations: int, magnitude: float, seed: tf.Tensor) -> tf.Tensor:
    """Applies some changes, one after the other.

    Args:
        image: uint8 or float `(height, width, 3)`, RGB from 0 to 255.
        operations: int, number of changes, each chosen anew; one of the choices is no change.
        magnitude: from 0 to 10, strength of those that have one.
        seed: int `(2,)`, for TensorFlow's stateless random numbers.

    Returns:
        float32 `(height, width, 3)` from 0 to 255.
    """
    image = tf.cast(image, "float32")
    numbers = tf.random.stateless_uniform([operations, 2], seed)
    for which, direction in map(tf.unstack, tf.unstack(numbers)):
        strength = tf.where(direction < 0.5, -magnitude / 10, magnitude / 10)
        image = tf.switch_case(
            tf.cast(which * len(OPERATIONS), "int32"),
            [lambda x=image, o=one, s=strength: o(x, s) for one in OPERATIONS.values()],
        )
        image = tf.clip_by_value(tf.ensure_shape(image, [None, None, 3]), 0.0, 255.0)
    return image


def _autocontrast(image, strength):
    low, high = tf.reduce_min(image, [0, 1]), tf.reduce_max(image, [0, 1])
    return tf.where(high > low, (image - low) * 255.0 / tf.maximum(high - low, 1e-6), image)


def _equalize(image, strength):
    return tf.stack([_equalized(channel) for channel in tf.unstack(image, axis=-1)], axis=-1)


def _equalized(channel):
    values = tf.cast(tf.round(channel), "int32")
    counts = tf.math.bincount(values, minlength=256, maxlength=256)
    step = (tf.reduce_sum(counts) - counts[tf.reduce_max(values)]) // 255
    table = (tf.cumsum(counts, exclusive=True) + step // 2) // tf.maximum(step, 1)
    return tf.where(
        step > 0, tf.cast(tf.gather(tf.minimum(table, 255), values), "float32"), channel
    )


def _solarize(image, strength):
    return tf.where(image < 256.0 * (1.0 - abs(strength)), image, 255.0 - image)


def _posterize(image, strength):
    step = 2.0 ** tf.round(_BITS * abs(strength))
    return tf.floor(tf.round(image) / step) * step


def _color(image, strength):
    return _away_from(_luma(image), image, strength)


def _contrast(image, strength):
    return _away_from(tf.reduce_mean(_luma(image)), image, strength)


def _brightness(image, strength):
    return _away_from(0.0, image, strength)


def _sharpness(image, strength):
    kernel = tf.constant([[1.0, 1.0, 1.0], [1.0, 5.0, 1.0], [1.0, 1.0, 1.0]]) / 13.0
    kernel = tf.tile(kernel[..., None, None], [1, 1, 3, 1])
    padded = tf.pad(image, [[1, 1], [1, 1], [0, 0]], mode="SYMMETRIC")
    smooth = tf.nn.depthwise_conv2d(padded[None], kernel, [1, 1, 1, 1], "VALID")[0]
    return _away_from(smooth, image, strength)


def _luma(image):
    return tf.tensordot(image, tf.constant(_LUMA), 1)[..., None]


def _away_from(plain, image, strength):
    """From the plain picture at minus one, over the picture at zero, to its exaggeration."""
    return plain + (image - plain) * (1.0 + _ENHANCEMENT * strength)


def _rotate(image, strength):
    angle = strength * _DEGREES * math.pi / 180.0
    cosine, sine = tf.cos(angle), tf.sin(angle)
    return _moved(image, [cosine, -sine, 0.0, sine, cosine, 0.0])


def _shear_x(image, strength):
    return _moved(image, [1.0, _SHEAR * strength, 0.0, 0.0, 1.0, 0.0])


def _shear_y(image, strength):
    return _moved(image, [1.0, 0.0, 0.0, _SHEAR * strength, 1.0, 0.0])


def _translate_x(image, strength):
    width = tf.cast(tf.shape(image)[1], "float32")
    return _moved(image, [1.0, 0.0, _TRANSLATION * strength * width, 0.0, 1.0, 0.0])


def _translate_y(image, strength):
    height = tf.cast(tf.shape(image)[0], "float32")
    return _moved(image, [1.0, 0.0, 0.0, 0.0, 1.0, _TRANSLATION * strength * height])


def _moved(image, matrix):
    """Each pixel is taken from where the matrix leads, about the middle of the picture."""
    xx, xy, x0, yx, yy, y0 = matrix
    middle = (tf.cast(tf.shape(image)[1::-1], "float32") - 1.0) / 2.0
    x, y = tf.unstack(middle)
    x0, y0 = x0 + x - xx * x - xy * y, y0 + y - yx * x - yy * y
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=image[None],
        transforms=tf.stack([tf.stack([xx, xy, x0, yx, yy, y0, 0.0, 0.0])]),
        output_shape=tf.shape(image)[:2],
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
        fill_value=_GREY,
    )[0]


OPERATIONS = {
    "identity": lambda image, strength: image,
    "autocontrast": _autocontrast,
    "equalize": _equalize,
    "solarize": _solarize,
    "posterize": _posterize,
    "color": _color,
    "contrast": _contrast,
    "brightness": _brightness,
    "sharpness": _sharpness,
    "rotate": _rotate,
    "shear_x": _shear_x,
    "shear_y": _shear_y,
    "translate_x": _translate_x,
    "translate_y": _translate_y,
}
"""From a change's name to its function of picture and strength, from -1 to 1."""
