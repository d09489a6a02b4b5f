"""Where a picture goes on the network's canvas, and moving it there with its labels.

A picture is reduced while it is decoded, by 2, 4 or 8 as far as it is larger than needed, then cut,
mirrored or turned, resized, and padded at the bottom and the right.

Resizing is bilinear without a filter against aliasing, as in the paper's public relatives. After
the reduction, which averages, at most a factor of two is left to it, and there a filter would cost
three times as much as the resizing and show little.
"""

import typing

import tensorflow as tf

from keras_effspine.stream.augmentation import CommonAugmentation

MOST_HALVINGS = 3


class Placement(typing.NamedTuple):
    """Where a picture goes.

    Args:
        halvings: int32 scalar; one pixel of the reduced picture stands for `2**halvings` pixels
            of the picture along each side.
        window: int32 `(4,)`: top, left, height, width of the part that is shown, in pixels of the
            reduced picture, which covers the picture with whole ones and so may overhang it.
        turn: bool `(3,)`: whether the part is transposed, then mirrored top to bottom, then
            mirrored left to right.
        size: int32 `(2,)`: height and width that the part, after its turn, is resized to; at most
            those of the canvas.
    """

    halvings: tf.Tensor
    window: tf.Tensor
    turn: tf.Tensor
    size: tf.Tensor


def letterbox(shape: tf.Tensor, canvas: tuple) -> Placement:
    """The whole picture, its long side as long as the canvas, its aspect kept (5.1.1).

    Args:
        shape: int32 `(2,)`: height and width of the picture.
        canvas: pair of the height and the width of a canvas of equal sides.

    Returns:
        `Placement`.
    """
    middle = tf.zeros([2])
    return _placement(shape, canvas, tf.constant(1.0, "float64"), middle, tf.zeros([3], "bool"))


def random_placement(
    shape: tf.Tensor,
    canvas: tuple,
    augmentation: CommonAugmentation,
    seed: tf.Tensor,
    scale: float | None = None,
    focus: tf.Tensor | None = None,
) -> Placement:
    """Scale jitter (5.1.1), cropping where the picture overhangs, and mirroring or turning.

    Args:
        shape: int32 `(2,)`: height and width of the picture.
        canvas: pair of the height and the width of the canvas.
        augmentation: `Augmentation`.
        seed: int `(2,)`, for TensorFlow's stateless random numbers.
        scale: pixels of the canvas over pixels of the picture where there is no jitter; None for
            those at which the picture fits the canvas.
        focus: float `(2,)`, y and x of a place in the picture that is shown, somewhere on the
            canvas, or None for any part of the picture.

    Returns:
        `Placement`.
    """
    numbers = tf.random.stateless_uniform([6], seed)
    low, high = augmentation.scale_jitter
    turn = tf.zeros([3], "bool")
    if augmentation.quarter_turns:
        by_quarters = tf.constant([[0, 0, 0], [1, 1, 0], [0, 1, 1], [1, 0, 1]])
        turn = by_quarters[tf.cast(numbers[3] * 4, "int32")] > 0
    chosen = numbers[4:] < 0.5
    allowed = [augmentation.vertical_flip, augmentation.flip]
    turn = tf.math.logical_xor(turn, tf.concat([[False], chosen & allowed], 0))
    multiple = tf.cast(low + (high - low) * numbers[0], "float64")
    return _placement(shape, canvas, multiple, numbers[1:3], turn, scale, focus)


def _placement(shape, canvas, multiple, corner, turn, scale=None, focus=None):
    """`Placement` at a multiple of a scale, by default the letterbox's.

    `corner`, from 0 to 1 along y and x, says which part is shown; or, with a focus, how much of the
    part lies before it.
    """
    shape = tf.convert_to_tensor(shape)
    shown = tf.cast(tf.where(turn[0], canvas[::-1], canvas), "float64")
    if scale is None:
        scale = tf.reduce_max(shown) / tf.cast(tf.reduce_max(shape), "float64")
    scale *= multiple
    steps = [tf.cast(scale * 2**step <= 1, "int32") for step in range(1, MOST_HALVINGS + 1)]
    halvings = tf.add_n(steps)
    reduction = tf.bitwise.left_shift(1, halvings)
    reduced = -(-shape // reduction)
    scale *= tf.cast(reduction, "float64")
    # The window is what the canvas can show at this scale, in whole pixels.
    window = tf.minimum(tf.cast(tf.math.ceil(shown / scale), "int32"), reduced)
    size = tf.cast(tf.round(tf.cast(window, "float64") * scale), "int32")
    size = tf.clip_by_value(size, 1, tf.cast(shown, "int32"))
    room = reduced - window
    start = tf.cast(corner * tf.cast(room + 1, "float32"), "int32")
    if focus is not None:
        before = corner * tf.cast(window, "float32")
        start = tf.cast(focus / tf.cast(reduction, "float32") - before, "int32")
    start = tf.clip_by_value(start, 0, room)
    size = tf.where(turn[0], size[::-1], size)
    return Placement(halvings, tf.concat([start, window], 0), turn, size)


def scale_of(placement: Placement) -> tf.Tensor:
    """Pixels of the result over pixels of the picture along the picture's y and x, float32."""
    size = tf.where(placement.turn[0], placement.size[::-1], placement.size)
    covered = tf.bitwise.left_shift(placement.window[2:], placement.halvings)
    return tf.cast(size, "float32") / tf.cast(covered, "float32")


def place_image(part: tf.Tensor, placement: Placement, canvas: tuple) -> tf.Tensor:
    """Turns, resizes and pads.

    Args:
        part: uint8 or float `(height, width, 3)`, the window of the reduced picture.
        placement: `Placement`.
        canvas: pair of the height and the width of the result.

    Returns:
        float32 `(*canvas, 3)`, zero beside the picture.
    """
    part = tf.image.resize(_turned(part, placement.turn), placement.size)
    return _padded(part, placement, canvas, 0.0)


def place_boxes(boxes: tf.Tensor, placement: Placement) -> tf.Tensor:
    """Moves boxes with their picture.

    Args:
        boxes: float32 `(boxes, 4)`, xyxy in pixels of the picture.
        placement: `Placement`.

    Returns:
        float32 `(boxes, 4)`, xyxy in pixels of the result, clipped to the part that is seen: a box
        outside of it has no area.
    """
    corner = tf.bitwise.left_shift(placement.window[1::-1], placement.halvings)
    scale = scale_of(placement)[::-1]
    boxes = (boxes - tf.tile(tf.cast(corner, "float32"), [2])) * tf.tile(scale, [2])
    transposed, upside_down, mirrored = tf.unstack(placement.turn)
    boxes = tf.where(transposed, tf.gather(boxes, [1, 0, 3, 2], axis=1), boxes)
    height, width = tf.unstack(tf.cast(placement.size, "float32"))
    x0, y0, x1, y1 = tf.unstack(boxes, axis=1)
    y0, y1 = _mirrored(upside_down, y0, y1, height)
    x0, x1 = _mirrored(mirrored, x0, x1, width)
    return tf.clip_by_value(tf.stack([x0, y0, x1, y1], axis=1), 0.0, tf.stack([width, height] * 2))


def place_labels(labels: tf.Tensor, placement: Placement, canvas: tuple, fill: int) -> tf.Tensor:
    """Moves a label map with its picture, by nearest neighbours.

    Args:
        labels: integer `(height, width)`, of the picture's own height and width.
        placement: `Placement`.
        canvas: pair of the height and the width of the result.
        fill: the value beside the picture.

    Returns:
        The same type, `canvas`.
    """
    # Not every kernel knows every type.
    moved = tf.cast(labels, "int32")[..., None]
    window = tf.bitwise.left_shift(placement.window, placement.halvings)
    moved = moved[window[0] : window[0] + window[2], window[1] : window[1] + window[3]]
    overhang = window[2:] - tf.shape(moved)[:2]
    moved = tf.pad(moved, [[0, overhang[0]], [0, overhang[1]], [0, 0]], constant_values=fill)
    moved = tf.image.resize(_turned(moved, placement.turn), placement.size, method="nearest")
    return tf.cast(_padded(moved, placement, canvas, fill), labels.dtype)[..., 0]


def place_crops(crops: tf.Tensor, placement: Placement) -> tf.Tensor:
    """Turns crops as their picture is turned; `(crops, size, size)` of any type."""
    return tf.transpose(_turned(tf.transpose(crops, [1, 2, 0]), placement.turn), [2, 0, 1])


def _turned(part, turn):
    part = tf.cond(turn[0], lambda: tf.transpose(part, [1, 0, 2]), lambda: part)
    # Without an axis nothing is copied.
    return tf.reverse(part, tf.boolean_mask([0, 1], turn[1:]))


def _mirrored(condition, low, high, length):
    return tf.where(condition, length - high, low), tf.where(condition, length - low, high)


def _padded(part, placement, canvas, fill):
    height, width = canvas
    missing = [[0, height - placement.size[0]], [0, width - placement.size[1]], [0, 0]]
    part = tf.pad(part, missing, constant_values=fill)
    known = [side if isinstance(side, int) else None for side in (height, width)]
    return tf.ensure_shape(part, [*known, part.shape[2]])
