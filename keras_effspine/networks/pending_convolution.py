"""A convolution whose per-channel scale and shift are still being gathered."""

import dataclasses
from typing import Any

import keras
import numpy as np
from keras import KerasTensor, layers, ops

_KINDS = (
    layers.Conv2D,
    layers.DepthwiseConv2D,
    layers.SeparableConv2D,
    layers.Conv2DTranspose,
    layers.Dense,
)


@dataclasses.dataclass(frozen=True)
class PendingConvolution:
    """`layer(x) * scale + shift`, one number a channel, to be made as one layer.

    Args:
        layer: convolution or dense layer, which stays as it is.
        x: its input in the new graph.
        scale, shift: float64 `(channels,)`; None for 1 and 0.
        upsampling: nearest upsampling that follows, which does not care whether channels are scaled
            before or after it, with its second argument; or None.
    """

    layer: keras.layers.Layer
    x: KerasTensor
    scale: np.ndarray | None = None
    shift: np.ndarray | None = None
    upsampling: tuple[keras.layers.Layer, KerasTensor] | None = None

    def scaled(self, scale: np.ndarray, shift: np.ndarray | float = 0.0) -> "PendingConvolution":
        """The same followed by another scale and shift."""
        before = 1.0 if self.scale is None else self.scale
        moved = 0.0 if self.shift is None else self.shift
        return dataclasses.replace(self, scale=before * scale, shift=moved * scale + shift)

    @property
    def channels(self) -> int:
        """Number of output channels."""
        if isinstance(self.layer, layers.Dense):
            return self.layer.units
        if isinstance(self.layer, layers.DepthwiseConv2D):
            return self.layer.depth_multiplier * self.x.shape[-1]
        return self.layer.filters

    def folded(self) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Config and weights, bias included, of the layer that this is.

        A separable convolution's are those of its second half, the pointwise one.
        """
        layer, scale = self.layer, np.ones(self.channels) if self.scale is None else self.scale
        config = {**layer.get_config(), "use_bias": True}
        if isinstance(layer, layers.SeparableConv2D):
            kernel = _numbers(layer.pointwise_kernel) * scale
        elif isinstance(layer, layers.DepthwiseConv2D):
            kernel = _numbers(layer.kernel)
            kernel = kernel * scale.reshape(kernel.shape[2:])
        elif isinstance(layer, layers.Conv2DTranspose):
            kernel = _numbers(layer.kernel) * scale[:, None]
        else:
            kernel = _numbers(layer.kernel) * scale
        bias = _numbers(layer.bias) * scale if layer.use_bias else np.zeros(self.channels)
        bias = bias + (0.0 if self.shift is None else self.shift)
        return config, [kernel.astype("float32"), bias.astype("float32")]


def can_be_folded(layer: Any) -> bool:
    """Whether what follows a layer channel by channel can become part of its weights."""
    return (
        type(layer) in _KINDS
        and layer.activation is keras.activations.linear
        and getattr(layer, "data_format", "channels_last") == "channels_last"
    )


def scale_and_shift(normalization: layers.BatchNormalization) -> tuple[np.ndarray, np.ndarray]:
    """What a batch normalisation over the last axis does outside of training."""
    deviation = np.sqrt(_numbers(normalization.moving_variance) + normalization.epsilon)
    scale = (_numbers(normalization.gamma) if normalization.scale else 1.0) / deviation
    shift = _numbers(normalization.beta) if normalization.center else 0.0
    return scale, shift - _numbers(normalization.moving_mean) * scale


def _numbers(variable: Any) -> np.ndarray:
    return ops.convert_to_numpy(variable).astype("float64")
