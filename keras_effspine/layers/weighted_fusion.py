"""Weighted block fusion: equation 1 of the paper."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_effspine")
class WeightedFusion(keras.layers.Layer):
    """`sum_i relu(w_i) x_i / (sum_j relu(w_j) + epsilon)` with one learned scalar an input.

    Args:
        epsilon: the denominator's constant: 0.001 in the paper (1e-4 in public code).
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: list of tensors of one shape, `(batch, height, width, channels)`.
    """

    def __init__(self, epsilon: float = 1e-3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, input_shape: Sequence) -> None:
        self.fusion_weights = self.add_weight(
            name="fusion_weights", shape=(len(input_shape),), initializer="ones", autocast=False
        )

    def call(self, inputs: Sequence) -> Any:
        # In float32: bfloat16 has no number between 1 and 1.004, and would lose epsilon.
        weights = ops.relu(ops.cast(self.fusion_weights, "float32"))
        weights = ops.cast(weights / (ops.sum(weights) + self.epsilon), self.compute_dtype)
        return sum(weights[i] * x for i, x in enumerate(inputs))

    def compute_output_shape(self, input_shape: Sequence[tuple]) -> tuple:
        return input_shape[0]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "epsilon": self.epsilon}
