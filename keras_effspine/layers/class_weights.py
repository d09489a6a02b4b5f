"""Weights of classes in a loss."""

from collections.abc import Sequence
from typing import Any

from keras import ops


def weights_of_classes(class_weights: Sequence[float], classes: Any) -> Any:
    """The weight of each class index.

    Args:
        class_weights: one weight a class.
        classes: integer or float tensor of class indices; those below 0 stand for no class.

    Returns:
        float32 of the same shape; 1 where there is no class.
    """
    table = ops.convert_to_tensor([1.0, *class_weights], "float32")
    return ops.take(table, ops.maximum(ops.cast(classes, "int32") + 1, 0), axis=0)
