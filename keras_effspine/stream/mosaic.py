"""Four pictures side by side on one canvas."""

from collections.abc import Sequence

import tensorflow as tf


def mosaic_tiles(canvas: int, seed: tf.Tensor) -> list[tuple[tf.Tensor, tf.Tensor]]:
    """Divides a canvas at a random point of its middle half.

    Args:
        canvas: int, height and width.
        seed: int `(2,)`, for TensorFlow's stateless random numbers.

    Returns:
        List of four pairs, row by row: the tile's top and left, and its height and width, each
        int32 `(2,)`.
    """
    split = canvas // 4 + tf.cast(tf.random.stateless_uniform([2], seed) * (canvas / 2), "int32")
    split = tf.clip_by_value(split, 1, canvas - 1)
    rows = ((0, split[0]), (split[0], canvas - split[0]))
    columns = ((0, split[1]), (split[1], canvas - split[1]))
    return [
        (tf.stack([top, left]), tf.stack([height, width]))
        for top, height in rows
        for left, width in columns
    ]


def join_tiles(
    samples: Sequence[dict[str, tf.Tensor]], corners: Sequence[tf.Tensor], canvas: int
) -> dict[str, tf.Tensor]:
    """Joins four samples to one.

    Args:
        samples: four dictionaries of `"image"` `(height, width, 3)` of the tile's height and width;
            there may be `"semantic"` `(height, width)`; `"boxes"` and `"crowds"` float32 `(n, 4)`,
            xyxy in pixels of the tile; `"label"`; and others that have an axis of objects first.
        corners: four int32 `(2,)`, top and left of each.
        canvas: int, height and width of the whole.

    Returns:
        The dictionary of the whole.
    """

    def joined(key, axis):
        first, second, third, fourth = (sample[key] for sample in samples)
        rows = [tf.concat(pair, axis + 1) for pair in ((first, second), (third, fourth))]
        return tf.concat(rows, axis)

    def moved(key):
        offsets = [tf.cast(tf.tile(corner[::-1], [2]), "float32") for corner in corners]
        return tf.concat([s[key] + o for s, o in zip(samples, offsets, strict=True)], 0)

    whole = {"image": tf.ensure_shape(joined("image", 0), [canvas, canvas, 3])}
    for key in set(samples[0]) - {"image"}:
        if key == "semantic":
            whole[key] = tf.ensure_shape(joined(key, 0), [canvas, canvas])
        elif key == "label":
            whole[key] = tf.constant(-1)  # four pictures are of no one class
        elif key in ("boxes", "crowds"):
            whole[key] = moved(key)
        else:
            whole[key] = tf.concat([sample[key] for sample in samples], 0)
    return whole
