"""EvoNorm-S0 (arXiv:2004.02967): normalisation and activation in one, without the batch."""

from typing import Any

import keras
from keras import ops

GROUP_SIZE = 8
"""Channels that are normalised together; all widths of Eff-SpineNet are multiples of it."""


def group_count(channels: int) -> int:
    """Number of groups of `GROUP_SIZE` channels, or of as many below it as divide them."""
    size = next(size for size in range(GROUP_SIZE, 0, -1) if channels % size == 0)
    return channels // size


@keras.saving.register_keras_serializable(package="keras_effspine")
class EvoNormS0(keras.layers.Layer):
    """`x * sigmoid(v * x) / std(x) * gamma + beta`, with the deviation of a group of channels.

    Each picture is normalised by itself, so that a batch of one computes what a batch of eight
    does, in training as in inference, and no statistics are kept. With `v = 1` it begins as swish.

    Args:
        nonlinear: whether the gate is there. Where no activation follows a normalisation it is
            `x / std(x) * gamma + beta`; the paper leaves the deviation out there, too, which
            leaves branches of any size side by side where they are fused.
        epsilon: added to the variance; 1e-5 in the paper, which half precision does not hold.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, ..., channels)`.
    """

    def __init__(self, nonlinear: bool = True, epsilon: float = 1e-3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.nonlinear = nonlinear
        self.epsilon = epsilon

    def build(self, input_shape: tuple) -> None:
        channels = input_shape[-1]
        self.groups = group_count(channels)
        for name, start in (("gamma", "ones"), ("beta", "zeros"), ("gate", "ones")):
            if name != "gate" or self.nonlinear:
                weight = self.add_weight(
                    name=name, shape=(channels,), initializer=start, autocast=False
                )
                setattr(self, name, weight)

    def call(self, inputs: Any) -> Any:
        # In float32: a variance is a small difference of large sums.
        x = ops.cast(inputs, "float32")
        shape = ops.shape(x)
        groups = ops.reshape(x, (*shape[:-1], self.groups, shape[-1] // self.groups))
        axes = [*range(1, len(shape) - 1), len(shape)]
        variance = ops.var(groups, axis=axes, keepdims=True)
        factor = ops.rsqrt(variance + self.epsilon)
        if self.nonlinear:
            x = x * ops.sigmoid(ops.cast(self.gate, "float32") * x)
        grouped = ops.reshape(x, ops.shape(groups)) * factor
        x = ops.reshape(grouped, shape) * ops.cast(self.gamma, "float32")
        return ops.cast(x + ops.cast(self.beta, "float32"), self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "nonlinear": self.nonlinear, "epsilon": self.epsilon}
