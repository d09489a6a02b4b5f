"""A scale-permuted network as a value: everything that decides which graph is built."""

import dataclasses
import math
from collections.abc import Callable, Sequence

from keras_effspine.topology.block_table import BlockTable
from keras_effspine.topology.repeats import scaled_repeats
from keras_effspine.topology.widths import (
    extreme_widths,
    round_to_integer,
    round_width,
    scaled_widths,
)


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
        scaled_stem: whether a width multiplier acts on the stem too.
        squeeze_excitation_ratio: reduced width of squeeze-and-excitation over the block's input
            width; None leaves it out.
        squeeze_excitation_rounded: the reduced width, if it is at least 1, from its exact one.
        squeeze_excitation_activation: name of the activation of the reduced width; None takes the
            network's.
        squeeze_excitation_gate: name of the activation that makes the gate.
        resample_alpha: width in which SpineNet resamples over the width of the block that it reads
            (arXiv:1912.05027, 3.2); None resamples as Eff-SpineNet does, see `networks.resample`.
        use_space_to_depth: whether downsampling begins with space-to-depth.
        normalized_space_to_depth: whether batch normalisation and activation follow it.
        one_step_down: whether the levels that are left to go down after space-to-depth, or after
            SpineNet's strided convolution, are one operation, 3x3 for one level and 5x5 for more;
            otherwise each of them is one of 3x3.
        symmetric_padding: whether strided convolutions pad both sides alike, as the public code for
            TensorFlow 1 does; otherwise Keras' `"same"`, which pads what is needed, and of an odd
            number more at the bottom and the right.
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
    scaled_stem: bool = False
    squeeze_excitation_ratio: float | None = None
    squeeze_excitation_rounded: Callable[[float], int] = round_to_integer
    squeeze_excitation_activation: str | None = None
    squeeze_excitation_gate: str = "sigmoid"
    resample_alpha: float | None = None
    use_space_to_depth: bool = False
    normalized_space_to_depth: bool = False
    one_step_down: bool = False
    symmetric_padding: bool = False
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
        for name in ("squeeze_excitation_ratio", "resample_alpha", "fusion_epsilon", "target"):
            value = getattr(self, name)
            optional = name in ("squeeze_excitation_ratio", "resample_alpha")
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

    def extreme_widths(
        self, choices: Sequence[float], multiplier: float = 1.0
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Least and most channels of each block with betas from a set; see `extreme_widths`."""
        return extreme_widths(self.table, choices, multiplier, self.target, self.rounded)

    def stem_width_at(self, multiplier: float = 1.0) -> int:
        """Channels of the stem at a width multiplier."""
        return self.rounded(multiplier * self.stem_width) if self.scaled_stem else self.stem_width

    def squeeze_excitation_width(self, channels: int) -> int | None:
        """Reduced width in a block that reads so many channels; None without it."""
        if self.squeeze_excitation_ratio is None:
            return None
        return max(1, self.squeeze_excitation_rounded(channels * self.squeeze_excitation_ratio))

    def repeats(self, multiplier: float = 1.0) -> tuple[int, ...]:
        """How often each block is repeated at a depth multiplier; see `scaled_repeats`."""
        return scaled_repeats(self.table, multiplier, self.unscaled_levels)
