"""The builder of classification networks: from stages to a feature map a level."""

import dataclasses

from keras import KerasTensor, layers

from keras_effspine.networks.mb_conv import mb_conv
from keras_effspine.networks.operations import Operations
from keras_effspine.networks.residual_blocks import bottleneck_block, residual_block
from keras_effspine.topology.staged_network import Stage, StagedNetwork


@dataclasses.dataclass(frozen=True)
class StagedMaps:
    """Feature maps of a network of stages.

    Args:
        levels: dictionary from level to the last map of its stride, `(batch, height, width,
            channels)`.
        expanded: dictionary from a level to the expanded tensor of the MBConv that leaves it, which
            SSDLite reads.
    """

    levels: dict[int, KerasTensor]
    expanded: dict[int, KerasTensor]


def build_staged_network(
    x: KerasTensor,
    network: StagedNetwork,
    operations: Operations,
    stochastic_depth_rate: float = 0.0,
    output_stride: int = 32,
    strided_reduction: bool = False,
    has_top: bool = False,
) -> StagedMaps:
    """Builds the graph of a network.

    Layer names are part of the weight format: `stem_*`; `stage3_unit1_*` for the first block of the
    third stage; `top_*`.

    Args:
        x: pictures `(batch, height, width, 3)`, normalised.
        network: `StagedNetwork`, scaled.
        operations: `Operations`.
        stochastic_depth_rate: rate of the last block; grows linearly with the block's number.
        output_stride: stride below which the network does not go: convolutions are dilated instead
            (arXiv:1706.05587, 3.1).
        strided_reduction: see `bottleneck_block`.
        has_top: whether the 1x1 convolution before a classifier's pooling follows.

    Returns:
        `StagedMaps`; the last level's map is the top's, where there is one.
    """
    x = operations.convolution(
        x, network.stem_width, "stem", kernel_size=network.stem_kernel_size, strides=2
    )
    level, dilation = 1, 1
    if network.stem_pool:
        x, level = _pooled(x, operations.symmetric_padding), 2
    maps, expanded = {level: x}, {}
    count = sum(stage.repeats for stage in network.stages)
    built = 0
    for number, stage in enumerate(network.stages, start=1):
        goes_down = stage.strides == 2 and 2 ** (level + 1) <= output_stride
        for unit in range(1, stage.repeats + 1):
            built += 1
            name, strides = f"stage{number}_unit{unit}", 2 if goes_down and unit == 1 else 1
            kind = _Block(
                stage,
                network,
                dataclasses.replace(
                    operations, activation=stage.activation or operations.activation
                ),
                strides,
                dilation,
                stochastic_depth_rate * built / count,
                strided_reduction,
            )
            if stage.kind == "mbconv":
                wide = kind.expand(x, name)
                if strides == 2:
                    expanded[level] = wide
                x = kind.mb_conv(x, wide, name)
            else:
                x = kind.residual(x, name)
            if stage.strides == 2 and unit == 1 and not goes_down:
                dilation *= 2  # the first block reads undiluted neighbours, as those before it
        level += goes_down
        maps[level] = x
    if has_top and network.top_width:
        maps[level] = operations.convolution(x, network.top_width, "top")
    return StagedMaps(maps, expanded)


@dataclasses.dataclass(frozen=True)
class _Block:
    """One block of a stage."""

    stage: Stage
    network: StagedNetwork
    operations: Operations
    strides: int
    dilation: int
    drop_rate: float
    strided_reduction: bool

    def expand(self, x, name):
        if self.stage.expansion is None:
            return x
        width = self.network.expanded_width(self.stage, x.shape[-1])
        return self.operations.convolution(x, width, f"{name}_expand")

    def mb_conv(self, x, expanded, name):
        return mb_conv(
            x,
            self.stage.width,
            self.operations,
            name,
            strides=self.strides,
            squeeze_excitation_width=self.network.squeeze_excitation_width(self.stage, x.shape[-1]),
            squeeze_excitation_activation=self.network.squeeze_excitation_activation,
            squeeze_excitation_gate=self.network.squeeze_excitation_gate,
            drop_rate=self.drop_rate,
            kernel_size=self.stage.kernel_size,
            dilation_rate=self.dilation,
            expanded=expanded,
        )

    def residual(self, x, name):
        common = (x, self.stage.width, self.operations, name)
        shared = {
            "strides": self.strides,
            "drop_rate": self.drop_rate,
            "dilation_rate": self.dilation,
        }
        if self.stage.kind == "residual":
            return residual_block(*common, **shared)
        return bottleneck_block(*common, **shared, strided_reduction=self.strided_reduction)


def _pooled(x, symmetric):
    if not symmetric:
        return layers.MaxPooling2D(3, 2, "same", name="stem_pool")(x)
    x = layers.ZeroPadding2D(1, name="stem_pool_pad")(x)  # of what is not negative, after ReLU
    return layers.MaxPooling2D(3, 2, "valid", name="stem_pool")(x)
