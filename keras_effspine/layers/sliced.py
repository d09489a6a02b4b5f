"""Layers that compute with the first of their channels: what networks of a supernet share.

How many channels a layer reads is told by its input, and how many it returns by a second one, so
that a graph that was traced once computes any of the networks.
"""

from typing import Any

import keras
from keras import ops

from keras_effspine.layers.batch_normalization import BatchNormalization


def first_channels(weight: Any, axis: int, channels: Any, parts: int = 1) -> Any:
    """The first channels of a weight, in each of equal parts where there are several.

    Args:
        weight: tensor or array.
        axis: which of its axes, from 0, has the channels.
        channels: int or int scalar tensor, how many in all.
        parts: number of equal parts that they lie in: 4 behind space-to-depth, which puts all
            channels of one pixel before those of the next.
    """
    before, after = weight.shape[:axis], weight.shape[axis + 1 :]
    if parts == 1:
        return weight[(slice(None),) * axis + (slice(None, channels),)]
    weight = ops.reshape(weight, (*before, parts, weight.shape[axis] // parts, *after))
    weight = weight[(slice(None),) * (axis + 1) + (slice(None, channels // parts),)]
    return ops.reshape(weight, (*before, channels, *after))


class _Sliced(keras.layers.Layer):
    """What the layers have in common.

    Args:
        parts: number of equal parts in which the layer's input has its channels.
    """

    def __init__(self, *args: Any, parts: int = 1, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.parts = parts

    def first(self, read: Any, returned: Any) -> list[Any]:
        """The layer's weights for so many channels, in the order of `weights`."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "parts": self.parts}


@keras.saving.register_keras_serializable(package="keras_effspine")
class SlicedConv2D(_Sliced, keras.layers.Conv2D):
    """A convolution with the first of its filters, over as many channels as its input has.

    Args:
        parts: see `first_channels`.
        **kwargs: arguments of `keras.layers.Conv2D`; `filters` is the most.

    Call arguments:
        inputs: `(batch, height, width, channels)`, at most as many as the layer was built for.
        count: int scalar, number of filters; None for all.
    """

    def build(self, inputs_shape: tuple, count_shape: tuple | None = None) -> None:
        super().build(inputs_shape)
        self.input_spec = None  # which would want all channels

    def first(self, read: Any, returned: Any) -> list[Any]:
        kernel = first_channels(self.kernel, 2, read, self.parts)[..., :returned]
        return [kernel, *([self.bias[:returned]] if self.use_bias else [])]

    def call(self, inputs: Any, count: Any = None) -> Any:
        kernel, *bias = self.first(ops.shape(inputs)[-1], count)
        outputs = self.convolution_op(inputs, kernel)
        if bias:
            outputs = ops.add(outputs, ops.reshape(bias[0], (1, 1, 1, -1)))
        return outputs

    def compute_output_shape(self, inputs_shape: tuple, count_shape: tuple | None = None) -> tuple:
        return super().compute_output_shape(inputs_shape)


@keras.saving.register_keras_serializable(package="keras_effspine")
class SlicedDepthwiseConv2D(_Sliced, keras.layers.DepthwiseConv2D):
    """A depthwise convolution without bias over as many channels as its input has.

    Args:
        parts: see `first_channels`.
        **kwargs: arguments of `keras.layers.DepthwiseConv2D`.
    """

    def build(self, input_shape: tuple) -> None:
        super().build(input_shape)
        self.input_spec = None

    def first(self, read: Any, returned: Any = None) -> list[Any]:
        return [first_channels(self.kernel, 2, read, self.parts)]

    def call(self, inputs: Any) -> Any:
        return ops.depthwise_conv(
            inputs,
            *self.first(ops.shape(inputs)[-1]),
            strides=self.strides,
            padding=self.padding,
            dilation_rate=self.dilation_rate,
            data_format=self.data_format,
        )


@keras.saving.register_keras_serializable(package="keras_effspine")
class SlicedBatchNormalization(_Sliced, BatchNormalization):
    """Batch normalisation of as many channels as its input has; on one device.

    Args:
        parts: see `first_channels`.
        **kwargs: arguments of `BatchNormalization`.
    """

    def build(self, input_shape: tuple) -> None:
        super().build(input_shape)
        self.input_spec = None

    def first(self, read: Any, returned: Any = None) -> list[Any]:
        every = (self.gamma, self.beta, self.moving_mean, self.moving_variance)
        return [first_channels(weight.value, 0, read, self.parts) for weight in every]

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        channels = ops.shape(inputs)[-1]
        gamma, beta, mean, variance = self.first(channels)
        x = ops.cast(inputs, "float32")
        if not training or not self.trainable:
            x = ops.batch_normalization(x, mean, variance, -1, beta, gamma, self.epsilon)
            return ops.cast(x, self.compute_dtype)
        if self._kernel_fits(inputs):
            x, *statistics = self.normalized_by_kernel(x, gamma, beta)
        else:
            statistics = ops.moments(x, axes=(0, 1, 2))
            x = ops.batch_normalization(x, *statistics, -1, beta, gamma, self.epsilon)
        moving = (self.moving_mean, mean), (self.moving_variance, variance)
        for (weight, before), now in zip(moving, statistics, strict=True):
            now = before * self.momentum + now * (1.0 - self.momentum)
            weight.assign(_with_first_channels(weight.value, now, channels, self.parts))
        return ops.cast(x, self.compute_dtype)


def _with_first_channels(weight, values, channels, parts):
    """A weight `(all channels,)` whose first ones are these values."""
    shape = (parts, -1)
    kept = ops.reshape(weight, shape)[:, channels // parts :]
    joined = ops.concatenate([ops.reshape(values, shape), kept], axis=1)
    return ops.reshape(joined, weight.shape)
