"""A scale-permuted network as a value: everything that decides which graph is built."""

import dataclasses
import math
from collections.abc import Callable

from keras_effspine.topology.block_table import BlockTable
from keras_effspine.topology.repeats import scaled_repeats
from keras_effspine.topology.widths import round_width, scaled_widths


@dataclasses.dataclass(frozen=True)
class NetworkSpec:
    """What a scale-permuted network is made of; `dataclasses.replace` makes its ablations.

    Activation, normalisation and stochastic depth are no part of it: they are the trainer's choice
    for any network.

    Args:
        table: blocks, their levels, connections, kinds and unscaled widths, and the output blocks.
        stem_width: channels of the stem, a convolution of stride 2.
        stem_kernel_size: its height and width.
        expansion: expansion ratio of blocks that expand.
        squeeze_excitation_ratio: reduced width of squeeze-and-excitation over the block's input
            width; None leaves it out.
        use_space_to_depth: whether downsampling begins with space-to-depth.
        weighted_fusion: whether inputs are fused by equation 1 of the Eff-SpineNet paper; otherwise
            they are summed.
        fusion_epsilon: the constant in the denominator of equation 1.
        endpoint_width: channels of the endpoints, 1x1 convolutions of the output blocks.
        p2_block: number of the block that serves as P2 where a task asks for stride 4, or None.
        betas: one positive number a block, its share of resources; None keeps the table's widths.
        target: the computation that betas distribute over that of the table's own widths.
        rounded: a block's width from its unrounded one.
        unscaled_levels: levels whose blocks a depth multiplier does not repeat.

    Raises:
        ValueError: if a value is out of range or does not fit the table.
    """

    table: BlockTable
    stem_width: int
    stem_kernel_size: int = 3
    expansion: int = 6
    squeeze_excitation_ratio: float | None = None
    use_space_to_depth: bool = False
    weighted_fusion: bool = False
    fusion_epsilon: float = 0.001
    endpoint_width: int = 64
    p2_block: int | None = None
    betas: tuple[float, ...] | None = None
    target: float = 1.0
    rounded: Callable[[float], int] = round_width
    unscaled_levels: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for name in ("stem_width", "stem_kernel_size", "expansion", "endpoint_width"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"`{name}` must be a positive int. Received: {name}={value}")
        for name in ("squeeze_excitation_ratio", "fusion_epsilon", "target"):
            value = getattr(self, name)
            optional = name == "squeeze_excitation_ratio"
            if not (optional and value is None) and not 0 < value < math.inf:
                raise ValueError(
                    f"`{name}` must be positive{', or None' * optional}. Received: {name}={value}"
                )
        if not self.table.outputs:
            raise ValueError(f"Table '{self.table.name}' must have an output. Received: none")
        blocks = range(1, len(self.table.blocks) + 1)
        if self.p2_block is not None and (
            self.p2_block not in blocks or self.table.level_of(self.p2_block) != 2
        ):
            raise ValueError(
                f"`p2_block` must be a block of level 2 of table '{self.table.name}', or None. "
                f"Received: p2_block={self.p2_block}"
            )
        self.widths()  # refuses betas that do not fit the table

    def widths(self, multiplier: float = 1.0) -> tuple[int, ...]:
        """Channels of each block at a width multiplier; see `scaled_widths`."""
        return scaled_widths(self.table, self.betas, multiplier, self.target, self.rounded)

    def repeats(self, multiplier: float = 1.0) -> tuple[int, ...]:
        """How often each block is repeated at a depth multiplier; see `scaled_repeats`."""
        return scaled_repeats(self.table, multiplier, self.unscaled_levels)
