"""A classification network as a value: stages of falling resolution, one after the other."""

import dataclasses
import math
from collections.abc import Callable

from keras_effspine.topology.widths import round_width_guarded

HALF = (0.5, 0.5, 0.5)


@dataclasses.dataclass(frozen=True)
class Stage:
    """Blocks of one kind and width, of which the first may go down a level.

    Args:
        kind: `"mbconv"`, `"residual"` or `"bottleneck"`.
        width: channels before any scaling; a bottleneck's output has four times as many.
        repeats: number of blocks before any scaling.
        strides: stride of the first block, 1 or 2.
        kernel_size: height and width of an MBConv's depthwise kernel.
        expansion: width of an MBConv's expanded tensor over that of its input; None has none.
        squeeze_excitation: whether its blocks have squeeze-and-excitation.
        activation: name of the activation; None takes the network's.
    """

    kind: str
    width: int
    repeats: int
    strides: int
    kernel_size: int = 3
    expansion: float | None = None
    squeeze_excitation: bool = False
    activation: str | None = None


@dataclasses.dataclass(frozen=True)
class StagedNetwork:
    """What a network of stages is made of.

    Args:
        stages: tuple of `Stage`.
        stem_width: channels of the stem, a convolution of stride 2.
        activation: name of the activation that the network was published with.
        stem_kernel_size: its height and width.
        stem_pool: whether a max pooling of stride 2 follows it.
        scaled_stem: whether a width multiplier acts on the stem too.
        top_width: channels of the 1x1 convolution before a classifier's pooling; None has none.
        scaled_top: whether a width multiplier below 1 acts on it too.
        squeeze_excitation_ratio: reduced width over the block's input width, or over the expanded
            one, where `squeeze_excitation_of_expanded`.
        squeeze_excitation_of_expanded: see there; the width is then rounded as others are.
        squeeze_excitation_activation: name of the activation of the reduced width; None takes the
            block's.
        squeeze_excitation_gate: name of the activation that makes the gate.
        symmetric_padding: whether strided convolutions pad both sides alike; see `NetworkSpec`.
        batch_norm_epsilon: of its batch normalisations.
        pixel_mean, pixel_std: what is taken off red, green and blue in [0, 1], and divided by.
        rounded: a width from its unrounded one.
    """

    stages: tuple[Stage, ...]
    stem_width: int
    activation: str
    stem_kernel_size: int = 3
    stem_pool: bool = False
    scaled_stem: bool = True
    top_width: int | None = None
    scaled_top: bool = True
    squeeze_excitation_ratio: float = 0.25
    squeeze_excitation_of_expanded: bool = False
    squeeze_excitation_activation: str | None = None
    squeeze_excitation_gate: str = "sigmoid"
    symmetric_padding: bool = False
    batch_norm_epsilon: float = 1e-3
    pixel_mean: tuple[float, float, float] = HALF
    pixel_std: tuple[float, float, float] = HALF
    rounded: Callable[[float], int] = round_width_guarded

    def scaled(self, width: float = 1.0, depth: float = 1.0) -> "StagedNetwork":
        """The network with widths multiplied and rounded, repeats multiplied and rounded up.

        Raises:
            ValueError: if a multiplier is not positive.
        """
        for name, value in (("width", width), ("depth", depth)):
            if not 0 < value < math.inf:
                raise ValueError(
                    f"`{name}_multiplier` must be positive. Received: {name}_multiplier={value}"
                )
        return dataclasses.replace(
            self,
            stages=tuple(
                dataclasses.replace(
                    stage,
                    width=self.rounded(width * stage.width),
                    repeats=math.ceil(depth * stage.repeats - 1e-9),
                )
                for stage in self.stages
            ),
            stem_width=self.rounded(width * self.stem_width)
            if self.scaled_stem
            else self.stem_width,
            top_width=self.top_width and self.rounded(self._top_multiplier(width) * self.top_width),
        )

    def _top_multiplier(self, width):
        return width if self.scaled_top else max(1.0, width)

    def expanded_width(self, stage: Stage, channels: int) -> int:
        """Channels of the expanded tensor of a block of a stage that reads so many."""
        return channels if stage.expansion is None else self.rounded(channels * stage.expansion)

    def squeeze_excitation_width(self, stage: Stage, channels: int) -> int | None:
        """Reduced width in a block of a stage that reads so many channels; None without it."""
        if not stage.squeeze_excitation:
            return None
        if self.squeeze_excitation_of_expanded:
            width = self.expanded_width(stage, channels)
            return self.rounded(width * self.squeeze_excitation_ratio)
        return max(1, int(channels * self.squeeze_excitation_ratio))
