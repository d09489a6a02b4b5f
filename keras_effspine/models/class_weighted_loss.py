"""A classification loss in which classes have weights."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_effspine")
class ClassWeightedCrossentropy(keras.losses.Loss):
    """Cross-entropy of probabilities, each picture by the weight of its class.

    Of a label that is shared between classes the weight is shared alike. The mean is over pictures,
    not over weights: `keras.losses.CategoricalCrossentropy` where all weights are 1.

    Args:
        class_weights: one weight a class.
        label_smoothing: share of the label that is spread over all classes; it does not change the
            weight.
        **kwargs: arguments of `keras.losses.Loss`.

    Call arguments:
        y_true: `(batch, num_classes)`, one-hot, or shares that add up to 1.
        y_pred: probabilities `(batch, num_classes)`.
    """

    def __init__(
        self, class_weights: Sequence[float], label_smoothing: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.class_weights = tuple(class_weights)
        self.label_smoothing = label_smoothing

    def call(self, y_true: Any, y_pred: Any) -> Any:
        y_true = ops.cast(y_true, y_pred.dtype)
        weights = ops.convert_to_tensor(self.class_weights, y_pred.dtype)
        losses = keras.losses.categorical_crossentropy(
            y_true, y_pred, label_smoothing=self.label_smoothing
        )
        return losses * ops.sum(y_true * weights, axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "class_weights": list(self.class_weights),
            "label_smoothing": self.label_smoothing,
        }
