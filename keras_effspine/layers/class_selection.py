"""Of predictions for every class, those for one."""

from typing import Any

import keras
from keras import ops

from keras_effspine.layers.region_layer import RegionLayer


@keras.saving.register_keras_serializable(package="keras_effspine")
class ClassSelection(RegionLayer):
    """Takes of each region's predictions those for its class.

    Args:
        values: number of predicted values of a class, which lie together along the last axis.
        has_background: whether the predictions begin with those for a background that the classes
            do not count.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        predictions: `(batch, regions, ..., classes * values)`.
        classes: `(batch, regions)`; one below 0 is taken for 0.

    Returns:
        `(batch, regions, ...)`, with an axis of `values` more where there are several.
    """

    def __init__(self, values: int = 1, has_background: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.values = values
        self.has_background = has_background

    def call(self, predictions: Any, classes: Any) -> Any:
        shape = predictions.shape
        chosen = ops.maximum(ops.cast(classes, "int32"), 0) + int(self.has_background)
        # A product with ones and zeros: a lookup by region would scatter its gradient.
        one_hot = ops.one_hot(chosen, shape[-1] // self.values, dtype=predictions.dtype)
        places = (-1, shape[1], *shape[2:-1])
        split = ops.reshape(predictions, (*places, shape[-1] // self.values, self.values))
        one_hot = ops.reshape(
            one_hot, (-1, shape[1], *(1 for _ in shape[2:-1]), split.shape[-2], 1)
        )
        selected = ops.sum(split * one_hot, axis=-2)
        return selected if self.values > 1 else selected[..., 0]

    def compute_output_spec(self, predictions: Any, classes: Any) -> Any:
        shape = predictions.shape[:-1]
        if self.values > 1:
            shape = (*shape, self.values)
        return keras.KerasTensor(shape, predictions.dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "values": self.values,
            "has_background": self.has_background,
        }
