"""A classification loss whose scores learn how well the box fits."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_effspine")
class QualityFocalLoss(keras.losses.Loss):
    """The quality focal loss (arXiv:2006.04388, equation 3) of logits.

    `|quality - p|**beta` times the cross entropy of `p` to the quality, where the target of an
    object's class is the quality of its predicted box, and 0 is that of all others. `RetinaNet`
    takes the IoU of the predicted box and the object's for the quality.

    Args:
        beta: how strongly the loss leans to what is predicted worst.
        **kwargs: arguments of `keras.losses.Loss`.

    Call arguments:
        y_true: `(..., num_classes)`, from 0 to 1.
        y_pred: logits `(..., num_classes)`.
    """

    def __init__(self, beta: float = 2.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not beta > 0:
            raise ValueError(f"`beta` must be positive. Received: beta={beta}")
        self.beta = beta

    def call(self, y_true: Any, y_pred: Any) -> Any:
        distance = ops.abs(y_true - ops.sigmoid(y_pred))
        focus = ops.square(distance) if self.beta == 2.0 else ops.power(distance, self.beta)
        # The entropy of sigmoid(x) to y: softplus(x) - x * y.
        return ops.sum(focus * (ops.softplus(y_pred) - y_pred * y_true), axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "beta": self.beta}
