"""Keras' Huber loss, which forgets its delta when it is saved."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_effspine")
class Huber(keras.losses.Huber):
    """Huber loss whose `delta` survives a file.

    Args:
        delta: difference at which the loss turns from square to linear.
        scale: factors of the differences along the last axis, by which what a model predicts is
            more than what is meant: the variances of box targets that were divided by them.
        **kwargs: other arguments of `keras.losses.Huber`.
    """

    def __init__(
        self, delta: float = 1.0, scale: Sequence[float] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(delta=delta, **kwargs)
        self.delta = delta
        self.scale = None if scale is None else list(scale)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        if self.scale is not None:
            scale = ops.convert_to_tensor(self.scale, self.dtype)
            y_true, y_pred = y_true * scale, y_pred * scale
        return super().call(y_true, y_pred)

    def get_config(self) -> dict:
        return {**super().get_config(), "delta": self.delta, "scale": self.scale}
