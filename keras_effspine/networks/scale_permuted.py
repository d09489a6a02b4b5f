"""The builder: from a block table to named tensors."""

import dataclasses

from keras import layers

from keras_effspine.layers.level_resizing import NearestUpsampling
from keras_effspine.layers.weighted_fusion import WeightedFusion
from keras_effspine.networks.mb_conv import mb_conv
from keras_effspine.networks.operations import Operations
from keras_effspine.networks.resample import resample
from keras_effspine.topology import eff_spinenet
from keras_effspine.topology.block_table import STEM

STEM_LEVEL = 1
"""The stem convolution has stride 2."""


@dataclasses.dataclass(frozen=True)
class Design:
    """What a network is made of beyond its table; the defaults are Eff-SpineNet's.

    Args:
        stem_width: channels of the stem convolution.
        expansion: expansion ratio of MBConv.
        squeeze_excitation_ratio: of MBConv's input width; None leaves it out.
        stochastic_depth_rate: rate of the last block; grows linearly with the block's number.
        use_space_to_depth: whether downsampling begins with space-to-depth.
        weighted_fusion: equation 1 where true, a plain sum where false.
        fusion_epsilon: the constant of equation 1.
        operations: `Operations`.
    """

    stem_width: int = eff_spinenet.STEM_WIDTH
    expansion: int = eff_spinenet.EXPANSION
    squeeze_excitation_ratio: float | None = eff_spinenet.SQUEEZE_EXCITATION_RATIO
    stochastic_depth_rate: float = 0.0
    use_space_to_depth: bool = True
    weighted_fusion: bool = True
    fusion_epsilon: float = eff_spinenet.FUSION_EPSILON
    operations: Operations = Operations()


def build_scale_permuted(images, x, table, widths, repeats, endpoint_width, design):
    """Builds the graph of a block table.

    Layer names are part of the weight format: `stem_*`; `block05_from03_*` for the resampling of
    block 3 on its way into block 5; `block05_fusion*`; `block05_unit1_*` for the first repeat of
    the block; `p3_*` for an endpoint.

    Args:
        images: the network's input `(batch, height, width, 3)`.
        x: the input after rescaling, which the stem reads.
        table: `BlockTable`.
        widths: channels of each block.
        repeats: how often each block is repeated.
        endpoint_width: channels of each endpoint.
        design: `Design`.

    Returns:
        Dictionary of tensors: `"block01"`, ... are the blocks' outputs, `"P3"`, ... the endpoints.
    """
    operations = design.operations
    tensors = {STEM: operations.convolution(x, design.stem_width, "stem", kernel_size=3, strides=2)}
    absorbed = table.absorbed()
    for number, block in enumerate(table.blocks, start=1):
        name, width = f"block{number:02d}", widths[number - 1]
        parents = block.parents + absorbed.get(number, ())
        level_of = {p: STEM_LEVEL if p == STEM else table.blocks[p - 1].level for p in parents}
        if len(parents) == 1:
            x, strides = tensors[parents[0]], 2 ** (block.level - level_of[parents[0]])
        else:
            inputs = []
            for parent in parents:
                x = tensors[parent]
                if not (parent in absorbed.get(number, ()) and x.shape[-1] == width):
                    x = resample(
                        x,
                        images,
                        level_of[parent],
                        block.level,
                        width,
                        operations,
                        f"{name}_from{parent:02d}",
                        design.use_space_to_depth,
                    )
                inputs.append(x)
            fusion = (
                WeightedFusion(design.fusion_epsilon, name=f"{name}_fusion")
                if design.weighted_fusion
                else layers.Add(name=f"{name}_fusion")
            )
            x, strides = operations.activate(fusion(inputs), f"{name}_fusion"), 1
        for unit in range(1, repeats[number - 1] + 1):
            x = _BLOCKS[block.kind](
                x,
                width,
                design,
                strides if unit == 1 else 1,
                design.stochastic_depth_rate * number / len(table.blocks),
                f"{name}_unit{unit}",
            )
        tensors[number] = x

    named = {f"block{number:02d}": tensors[number] for number in range(1, len(table.blocks) + 1)}
    for level, number in table.outputs:
        named[f"P{level}"] = operations.convolution(tensors[number], endpoint_width, f"p{level}")
    return named


def _mb_conv_block(x, width, design, strides, drop_rate, name):
    return mb_conv(
        x,
        width,
        design.operations,
        name,
        strides=strides,
        expansion=design.expansion,
        squeeze_excitation_ratio=design.squeeze_excitation_ratio,
        drop_rate=drop_rate,
    )


_BLOCKS = {"mbconv": _mb_conv_block}
"""What each kind of block in a table computes."""


def average_at_lowest_level(endpoints, images):
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
