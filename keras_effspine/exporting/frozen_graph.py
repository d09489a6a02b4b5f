"""What an exported file computes, as a TensorFlow function without variables."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from keras_effspine.data.images.letterbox import LetterboxPlan

_NO_OPERATIONS = {"Const", "Identity", "IdentityN", "NoOp", "Placeholder", "ReadVariableOp"}


def frozen_function(
    call: Callable[[Any], dict[str, Any]],
    image_size: int,
    frame_size: tuple[int, int] | None = None,
    batch_size: int | None = 1,
) -> tf.types.experimental.GenericFunction:
    """Traces what a file computes, with all weights as constants.

    Converters leave variables out that they do not see as the model's own, and write a file that
    runs and answers with NaN.

    Args:
        call: function from images `(batch, image_size, image_size, 3)`, RGB from 0 to 255, to a
            dictionary of tensors.
        image_size: height and width in pixels.
        frame_size: height and width of the pictures that the function takes, as uint8, and
            letterboxes; None for letterboxed ones in float32.
        batch_size: number of pictures, or None for any.

    Returns:
        `tf.function` from `images` to the dictionary, with its one signature.
    """
    size = frame_size or (image_size, image_size)
    signature = tf.TensorSpec(
        (batch_size, *size, 3), tf.uint8 if frame_size else tf.float32, name="images"
    )

    def whole(images):
        if frame_size is not None:
            images = _letterboxed(tf.cast(images, tf.float32), frame_size, image_size)
        return call(images)

    traced = tf.function(whole).get_concrete_function(signature)
    names = sorted(traced.structured_outputs)
    frozen = convert_variables_to_constants_v2(traced, lower_control_flow=False)

    @tf.function(input_signature=[signature], autograph=False)
    def serve(images):
        found = frozen(images)
        return dict(zip(names, found if isinstance(found, (list, tuple)) else [found], strict=True))

    return serve


def operation_count(call: Callable[[Any], Any], image_size: int) -> int:
    """Operations of a function's graph for one picture, constants and identities not counted."""
    signature = tf.TensorSpec((1, image_size, image_size, 3), tf.float32)
    graph = tf.function(call).get_concrete_function(signature).graph
    return sum(one.type not in _NO_OPERATIONS for one in graph.get_operations())


def _letterboxed(images, frame_size, image_size):
    plan = LetterboxPlan.of(frame_size, (image_size, image_size))
    if plan.reduction > 1:
        images = tf.nn.avg_pool2d(images, plan.reduction, plan.reduction, "SAME")
    height, width = plan.window
    images = tf.image.resize(images[:, :height, :width], plan.target)
    missing = [[0, image_size - side] for side in plan.target]
    return tf.pad(images, [[0, 0], *missing, [0, 0]])
