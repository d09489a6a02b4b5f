"""A box loss that measures what average precision measures: overlap."""

from typing import Any

import keras
from keras import ops

from keras_effspine.layers.boxes import decode_boxes, overlap_of_pairs

_ANCHOR = ((0.0, 0.0, 1.0, 1.0),)


@keras.saving.register_keras_serializable(package="keras_effspine")
class GIoULoss(keras.losses.Loss):
    """One minus the generalised IoU (arXiv:1902.09630) of boxes that differ from one anchor.

    Overlaps do not change where a picture is moved or stretched, and so they do not depend on the
    anchor: differences to anchors are all that it takes.

    Args:
        **kwargs: arguments of `keras.losses.Loss`.

    Call arguments:
        y_true: `(..., 4)`, center_yxhw differences, divided by `layers.boxes.VARIANCES`.
        y_pred: likewise.
    """

    def call(self, y_true: Any, y_pred: Any) -> Any:
        _, generalised = overlap_of_differences(y_true, y_pred)
        return 1.0 - generalised


def overlap_of_differences(differences_a: Any, differences_b: Any) -> tuple[Any, Any]:
    """IoU and generalised IoU of pairs of boxes that differ from one anchor.

    Args:
        differences_a: `(..., 4)`, center_yxhw differences, divided by `layers.boxes.VARIANCES`.
        differences_b: likewise.

    Returns:
        Pair of `(...)`, IoU from 0 to 1 and generalised IoU from -1 to 1.
    """
    anchor = ops.convert_to_tensor(_ANCHOR, "float32")
    return overlap_of_pairs(*(decode_boxes(d, anchor) for d in (differences_a, differences_b)))
