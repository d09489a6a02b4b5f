"""The MBConv block of MnasNet and EfficientNet (arXiv:1807.11626, arXiv:1905.11946)."""

from keras import KerasTensor

from keras_effspine.networks.operations import Operations


def mb_conv(
    x: KerasTensor,
    filters: int,
    operations: Operations,
    name: str,
    strides: int = 1,
    expansion: int = 6,
    squeeze_excitation_width: int | None = None,
    squeeze_excitation_activation: str | None = None,
    squeeze_excitation_gate: str = "sigmoid",
    drop_rate: float = 0.0,
    kernel_size: int = 3,
    dilation_rate: int = 1,
    expanded: KerasTensor | None = None,
) -> KerasTensor:
    """Expand 1x1, depthwise, squeeze-and-excitation, project 1x1, residual where shapes agree.

    Args:
        x: `(batch, height, width, channels)`.
        filters: number of output channels.
        operations: `Operations`.
        name: beginning of the layers' names.
        strides: stride of the depthwise convolution.
        expansion: width of the expanded tensor over the input's width.
        squeeze_excitation_width: reduced width of squeeze-and-excitation; None leaves it out.
        squeeze_excitation_activation: see `Operations.squeeze_excitation`.
        squeeze_excitation_gate: see there.
        drop_rate: stochastic depth's probability of dropping the branch in training.
        kernel_size: height and width of the depthwise convolution.
        dilation_rate: of the depthwise convolution.
        expanded: the expanded tensor, where it is there already; of a block that does not expand
            the input itself.

    Returns:
        `(batch, ceil(height / strides), ceil(width / strides), filters)`.
    """
    channels = x.shape[-1]
    y = expanded
    if y is None:
        y = operations.convolution(x, channels * expansion, f"{name}_expand")
    y = operations.depthwise(y, f"{name}_spatial", strides, kernel_size, dilation_rate)
    if squeeze_excitation_width is not None:
        y = operations.squeeze_excitation(
            y,
            squeeze_excitation_width,
            f"{name}_se",
            squeeze_excitation_activation,
            squeeze_excitation_gate,
        )
    y = operations.convolution(y, filters, f"{name}_project", activate=False)
    if strides != 1 or not operations.can_add(channels, filters):
        return y
    return operations.residual(x, y, drop_rate, name)
