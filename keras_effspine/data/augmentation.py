"""Placing pictures and their boxes on the network's square canvas, in TensorFlow for tf.data."""

import tensorflow as tf


def place(image, boxes, window, size, canvas):
    """Cuts a window out of a picture, resizes it, and pads it at the bottom and the right.

    Args:
        image: uint8 or float `(height, width, 3)`.
        boxes: float32 `(boxes, 4)`, xyxy in the picture's pixels.
        window: int32 `(4,)`: top, left, height, width of the part to keep.
        size: int32 `(2,)`: height and width to which the part is resized, at most `canvas`.
        canvas: int, height and width of the result.

    Returns:
        Tuple of the picture, float32 `(canvas, canvas, 3)`; the boxes in its pixels, clipped to
        the part that is seen (a box outside it has no area); and the scale, float32 `(2,)`: pixels
        of the result over pixels of the original along y and x.
    """
    image = tf.slice(image, [window[0], window[1], 0], [window[2], window[3], 3])
    image = tf.image.resize(image, size)
    image = tf.pad(image, [[0, canvas - size[0]], [0, canvas - size[1]], [0, 0]])
    image = tf.ensure_shape(image, [canvas, canvas, 3])
    scale = tf.cast(size, "float32") / tf.cast(window[2:], "float32")
    corner = tf.cast(tf.stack([window[1], window[0]]), "float32")
    boxes = (boxes - tf.tile(corner, [2])) * tf.tile(scale[::-1], [2])
    limit = tf.cast(tf.tile(size[::-1], [2]), "float32")
    return image, tf.clip_by_value(boxes, 0.0, limit), scale


def letterbox(image, boxes, canvas):
    """Resizes the long side to the canvas, keeping the aspect (5.1.1); see `place`."""
    shape = tf.shape(image)[:2]
    size = _scaled_size(shape, canvas / tf.reduce_max(shape))
    return place(image, boxes, tf.concat([[0, 0], shape], 0), tf.minimum(size, canvas), canvas)


def random_scale_and_crop(image, boxes, canvas, scale_range, seed):
    """Scale jitter (5.1.1): a random multiple of the letterbox's scale, cropped where it overhangs.

    Args:
        image: `(height, width, 3)`.
        boxes: float32 `(boxes, 4)`, xyxy in the picture's pixels.
        canvas: int, height and width of the result.
        scale_range: pair of the least and the greatest multiple.
        seed: int `(2,)`, for TensorFlow's stateless random numbers.

    Returns:
        As `place`.
    """
    numbers = tf.random.stateless_uniform([3], seed)
    low, high = scale_range
    shape = tf.shape(image)[:2]
    factor = tf.cast(low + (high - low) * numbers[0], "float64") * (canvas / tf.reduce_max(shape))
    # The window is what the canvas can show at this scale, in whole pixels of the original.
    window = tf.minimum(tf.cast(tf.math.ceil(canvas / factor), "int32"), shape)
    size = tf.minimum(_scaled_size(window, factor), canvas)
    room = tf.cast(shape - window + 1, "float32")
    corner = tf.minimum(tf.cast(numbers[1:] * room, "int32"), shape - window)
    return place(image, boxes, tf.concat([corner, window], 0), size, canvas)


def random_flip(image, boxes, seed):
    """Mirrors the picture left to right with probability one half; boxes are xyxy in its pixels."""
    if_mirrored = tf.random.stateless_uniform([], seed) < 0.5
    width = tf.cast(tf.shape(image)[1], boxes.dtype)
    mirrored = tf.stack([width - boxes[:, 2], boxes[:, 1], width - boxes[:, 0], boxes[:, 3]], 1)
    return (
        tf.where(if_mirrored, tf.reverse(image, [1]), image),
        tf.where(if_mirrored, mirrored, boxes),
    )


def _scaled_size(shape, factor):
    size = tf.round(tf.cast(shape, "float64") * tf.cast(factor, "float64"))
    return tf.maximum(tf.cast(size, "int32"), 1)
