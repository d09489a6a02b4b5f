"""The blocks of ResNet (arXiv:1512.03385), of which SpineNet is made."""

from keras import KerasTensor

from keras_effspine.networks.operations import Operations

BOTTLENECK_EXPANSION = 4
"""Channels of a bottleneck's output over those of its inside."""


def residual_block(
    x: KerasTensor,
    filters: int,
    operations: Operations,
    name: str,
    strides: int = 1,
    drop_rate: float = 0.0,
    dilation_rate: int = 1,
) -> KerasTensor:
    """Two 3x3 convolutions beside a shortcut, a 1x1 convolution where shapes differ.

    Args:
        x: `(batch, height, width, channels)`.
        filters: number of channels.
        operations: `Operations`.
        name: beginning of the layers' names.
        strides: stride of the first convolution.
        drop_rate: stochastic depth's probability of dropping the branch in training.
        dilation_rate: of the 3x3 convolutions.

    Returns:
        `(batch, ceil(height / strides), ceil(width / strides), filters)`.
    """
    y = operations.convolution(
        x,
        filters,
        f"{name}_spatial1",
        kernel_size=3,
        strides=strides,
        dilation_rate=dilation_rate,
    )
    y = operations.convolution(
        y,
        filters,
        f"{name}_spatial2",
        kernel_size=3,
        activate=False,
        dilation_rate=dilation_rate,
    )
    return _joined(x, y, operations, name, strides, drop_rate)


def bottleneck_block(
    x: KerasTensor,
    filters: int,
    operations: Operations,
    name: str,
    strides: int = 1,
    drop_rate: float = 0.0,
    dilation_rate: int = 1,
    strided_reduction: bool = False,
) -> KerasTensor:
    """Reduce 1x1, convolve 3x3, project 1x1 to four times the width, beside a shortcut.

    Args and Returns are those of `residual_block`, with `4 * filters` channels in the output, and
    with `strided_reduction`: whether the first 1x1 convolution has the stride, as in the paper,
    or the 3x3, as in most public code since.
    """
    first, second = (strides, 1) if strided_reduction else (1, strides)
    y = operations.convolution(x, filters, f"{name}_reduce", strides=first)
    y = operations.convolution(
        y,
        filters,
        f"{name}_spatial",
        kernel_size=3,
        strides=second,
        dilation_rate=dilation_rate,
    )
    y = operations.convolution(y, BOTTLENECK_EXPANSION * filters, f"{name}_project", activate=False)
    return _joined(x, y, operations, name, strides, drop_rate)


def _joined(
    x: KerasTensor,
    branch: KerasTensor,
    operations: Operations,
    name: str,
    strides: int,
    drop_rate: float,
) -> KerasTensor:
    if x.shape[-1] != branch.shape[-1] or strides != 1:
        x = operations.convolution(
            x, branch.shape[-1], f"{name}_shortcut", strides=strides, activate=False
        )
    return operations.activate(operations.residual(x, branch, drop_rate, name), name)
