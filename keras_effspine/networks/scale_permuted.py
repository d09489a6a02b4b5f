"""The builder: from a network's specification to named tensors."""

import functools
from collections.abc import Sequence

from keras import KerasTensor, layers

from keras_effspine.layers.level_resizing import NearestUpsampling
from keras_effspine.layers.weighted_fusion import WeightedFusion
from keras_effspine.networks.mb_conv import mb_conv
from keras_effspine.networks.operations import Operations
from keras_effspine.networks.resample import resample
from keras_effspine.networks.residual_blocks import (
    BOTTLENECK_EXPANSION,
    bottleneck_block,
    residual_block,
)
from keras_effspine.topology.block_table import STEM
from keras_effspine.topology.network_spec import NetworkSpec


def build_scale_permuted(
    images: KerasTensor,
    x: KerasTensor,
    spec: NetworkSpec,
    widths: tuple[int, ...],
    repeats: tuple[int, ...],
    operations: Operations,
    stochastic_depth_rate: float = 0.0,
) -> dict[str, KerasTensor]:
    """Builds the graph of a network.

    Layer names are part of the weight format: `stem_*`; `block05_from03_*` for the resampling of
    block 3 on its way into block 5; `block05_fusion*`; `block05_unit1_*` for the first repeat of
    the block; `p3_*` for an endpoint.

    Args:
        images: the network's input `(batch, height, width, 3)`.
        x: the input after rescaling, which the stem reads.
        spec: `NetworkSpec`.
        widths: channels of each block; of a bottleneck those of its inside.
        repeats: how often each block is repeated.
        operations: `Operations`.
        stochastic_depth_rate: rate of the last block; grows linearly with the block's number.

    Returns:
        Dictionary of tensors: `"block01"`, ... are the blocks' outputs, `"P3"`, ... the endpoints.

    Raises:
        ValueError: if the table has a kind of block that is not known.
    """
    table = spec.table
    unknown = sorted({block.kind for block in table.blocks} - set(_BLOCKS))
    if unknown:
        raise ValueError(
            f"Table '{table.name}' may have blocks of the kinds {', '.join(_BLOCKS)}. "
            f"Received: {', '.join(unknown)}"
        )
    stem = operations.convolution(
        x, spec.stem_width, "stem", kernel_size=spec.stem_kernel_size, strides=2
    )
    if table.stem_level == 2:
        stem = layers.MaxPooling2D(3, 2, "same", name="stem_pool")(stem)
    tensors = {STEM: stem}
    for number in range(1, len(table.blocks) + 1):
        parents = table.inputs_of(number)
        inputs = [tensors[parent] for parent in parents]
        if len(parents) > 1:
            inputs = [
                resampled(x, parent, number, images, spec, widths, operations)
                for x, parent in zip(inputs, parents, strict=True)
            ]
        tensors[number] = computed(
            inputs, number, spec, widths, repeats, operations, stochastic_depth_rate
        )

    named = {f"block{number:02d}": tensors[number] for number in range(1, len(table.blocks) + 1)}
    for level, number in table.outputs:
        named[f"P{level}"] = operations.convolution(
            tensors[number], spec.endpoint_width, f"p{level}"
        )
    return named


def channels_of(number: int, spec: NetworkSpec, widths: tuple[int, ...]) -> int:
    """Channels of a block's output, or of the stem's."""
    if number == STEM:
        return spec.stem_width
    return widths[number - 1] * _EXPANSIONS.get(spec.table.blocks[number - 1].kind, 1)


def resampled(
    x: KerasTensor,
    parent: int,
    number: int,
    images: KerasTensor,
    spec: NetworkSpec,
    widths: tuple[int, ...],
    operations: Operations,
) -> KerasTensor:
    """A parent's output as its block fuses it, at the block's level and width.

    Args:
        x: the parent's output.
        parent, number: numbers of the parent, or `STEM`, and of the block.
        images, spec, widths, operations: as in `build_scale_permuted`.
    """
    table, block = spec.table, spec.table.blocks[number - 1]
    channels = channels_of(number, spec, widths)
    name = f"block{number:02d}_from{parent:02d}"
    way = functools.partial(
        resample,
        x,
        images,
        table.level_of(parent),
        block.level,
        channels,
        operations,
        name,
        spec.use_space_to_depth,
        spec.normalized_space_to_depth,
        spec.one_step_down,
        _inner_width(spec, widths, parent),
    )
    if parent in table.absorbed().get(number, ()):
        return operations.unless_as_wide(x, channels, name, way)
    return way()


def computed(
    inputs: Sequence[KerasTensor],
    number: int,
    spec: NetworkSpec,
    widths: tuple[int, ...],
    repeats: tuple[int, ...],
    operations: Operations,
    stochastic_depth_rate: float = 0.0,
) -> KerasTensor:
    """The output of a block: its inputs fused, where there are several, and its repeats.

    Args:
        inputs: what `resampled` returned for each parent, or the output of the only one.
        number: of the block.
        spec, widths, repeats, operations, stochastic_depth_rate: as in `build_scale_permuted`.
    """
    table, block = spec.table, spec.table.blocks[number - 1]
    name, strides, x = f"block{number:02d}", 1, inputs[0]
    if len(inputs) == 1:
        strides = 2 ** (block.level - table.level_of(block.parents[0]))
    else:
        fusion = (
            WeightedFusion(spec.fusion_epsilon, name=f"{name}_fusion")
            if spec.weighted_fusion
            else layers.Add(name=f"{name}_fusion")
        )
        x = operations.activate(fusion(inputs), f"{name}_fusion")
    for unit in range(1, repeats[number - 1] + 1):
        x = _BLOCKS[block.kind](
            x,
            widths[number - 1],
            spec,
            operations,
            strides if unit == 1 else 1,
            stochastic_depth_rate * number / len(table.blocks),
            f"{name}_unit{unit}",
        )
    return x


def _inner_width(spec, widths, parent):
    """Width in which a block is resampled, where that is SpineNet's way."""
    if spec.resample_alpha is None:
        return None
    read = spec.stem_width if parent == STEM else widths[parent - 1]
    return max(1, int(read * spec.resample_alpha))


def _mb_conv_block(x, width, spec, operations, strides, drop_rate, name):
    return mb_conv(
        x,
        width,
        operations,
        name,
        strides=strides,
        expansion=spec.expansion,
        squeeze_excitation_width=spec.squeeze_excitation_width(x.shape[-1]),
        squeeze_excitation_activation=spec.squeeze_excitation_activation,
        squeeze_excitation_gate=spec.squeeze_excitation_gate,
        drop_rate=drop_rate,
    )


def _of_resnet(block):
    def build(x, width, spec, operations, strides, drop_rate, name):
        return block(x, width, operations, name, strides, drop_rate)

    return build


_BLOCKS = {
    "mbconv": _mb_conv_block,
    "residual": _of_resnet(residual_block),
    "bottleneck": _of_resnet(bottleneck_block),
}
"""What each kind of block in a table computes."""

_EXPANSIONS = {"bottleneck": BOTTLENECK_EXPANSION}
"""Channels of a block's output over its width, where it is not the same."""


def average_at_lowest_level(endpoints: dict[int, KerasTensor], images: KerasTensor) -> KerasTensor:
    """Nearest-upsamples all endpoints to the lowest level and averages them (4.2 and 4.3).

    Args:
        endpoints: dictionary from level to `(batch, height, width, channels)`.
        images: the network's input, by whose size upsampled maps are cropped.

    Returns:
        `(batch, height, width, channels)` at the lowest of the levels.
    """
    lowest = min(endpoints)
    maps = [
        x
        if level == lowest
        else NearestUpsampling(level, lowest, name=f"average_p{level}_upsample")(x, images)
        for level, x in sorted(endpoints.items())
    ]
    return layers.Average(name="average")(maps)
