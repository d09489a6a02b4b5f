"""Resampling of a block's output to the level and width of the block that reads it (3.2)."""

from keras import KerasTensor, layers

from keras_effspine.layers.level_resizing import NearestUpsampling, SpaceToDepth
from keras_effspine.networks.operations import Operations


def resample(
    x: KerasTensor,
    images: KerasTensor,
    from_level: int,
    to_level: int,
    filters: int,
    operations: Operations,
    name: str,
    use_space_to_depth: bool = True,
    normalized_space_to_depth: bool = False,
    one_step_down: bool = False,
    inner_width: int | None = None,
) -> KerasTensor:
    """Brings a feature map to another level and width.

    Down by `n` levels: space-to-depth once, `n - 1` times a depthwise convolution of stride 2, then
    a 1x1 convolution. Space-to-depth with the 1x1 convolution right after it is one 2x2
    convolution of stride 2, and is written so. Without space-to-depth (the paper's ablation, and
    its classification models): `n` depthwise convolutions of stride 2, then 1x1. Up: 1x1 at the
    small size, then nearest-neighbour upsampling: the same as in the paper's order, since pointwise
    convolution and normalisation do not care how often a pixel is repeated. (Where upsampling
    crops, batch statistics weigh the border's pixels as much as all others.)

    With an `inner_width` it is SpineNet's (arXiv:1912.05027, 3.2): 1x1 to that width; down, a 3x3
    convolution of stride 2 and `n - 1` times a max pooling; then 1x1.

    Args:
        x: `(batch, height, width, channels)` at `from_level`.
        images: the network's input, by whose size upsampled maps are cropped.
        from_level: level of `x`.
        to_level: level of the result.
        filters: number of output channels.
        operations: `Operations`.
        name: beginning of the layers' names.
        use_space_to_depth: whether going down begins with space-to-depth.
        normalized_space_to_depth: see `NetworkSpec`.
        one_step_down: see there.
        inner_width: width in which SpineNet resamples, or None.

    Returns:
        `(batch, height, width, filters)` at `to_level`, normalised, without activation.
    """
    steps = to_level - from_level
    if inner_width is not None:
        x = operations.convolution(x, inner_width, f"{name}_inner")
    if steps <= 0:
        x = operations.convolution(x, filters, name, activate=False)
        if steps == 0:
            return x
        return NearestUpsampling(from_level, to_level, name=f"{name}_upsample")(x, images)
    if inner_width is not None:
        x = operations.convolution(x, inner_width, f"{name}_down1", kernel_size=3, strides=2)
        for step, (size, strides) in enumerate(_ways_down(steps - 1, one_step_down), start=2):
            x = layers.MaxPooling2D(size, strides, "same", name=f"{name}_down{step}_pool")(x)
        return operations.convolution(x, filters, name, activate=False)
    if use_space_to_depth:
        if steps == 1 and not normalized_space_to_depth:
            return operations.convolution(
                x, filters, name, kernel_size=2, strides=2, activate=False
            )
        x = SpaceToDepth(name=f"{name}_space_to_depth")(x)
        if normalized_space_to_depth:
            x = operations.normalize(x, f"{name}_space_to_depth", activate=True)
        steps -= 1
    for step, (size, strides) in enumerate(_ways_down(steps, one_step_down), start=1):
        x = operations.depthwise(x, f"{name}_down{step}", strides, size)
    return operations.convolution(x, filters, name, activate=False)


def _ways_down(levels: int, at_once: bool) -> list[tuple[int, int]]:
    """Height and stride of each operation that goes down so many levels together."""
    if at_once and levels:
        return [(3 if levels == 1 else 5, 2**levels)]
    return [(3, 2)] * levels
