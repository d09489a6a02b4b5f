"""The operations of a supernet: networks of many widths on the first channels of shared weights."""

import dataclasses
import functools
import re
from collections.abc import Callable
from typing import Any

from keras import KerasTensor, ops

from keras_effspine.layers.sliced import (
    SlicedBatchNormalization,
    SlicedConv2D,
    SlicedDepthwiseConv2D,
)
from keras_effspine.layers.stochastic_depth import StochasticDepth
from keras_effspine.layers.width_selection import AddIfAsWide, SelectedWidths, TakeIfAsWide
from keras_effspine.networks.operations import Operations
from keras_effspine.topology.block_table import STEM
from keras_effspine.topology.network_spec import NetworkSpec

SELECTED = "selected_widths"
"""Name of the layer that says which network is computed."""

# The names that the builder gives; see `networks.scale_permuted`.
_RESAMPLING = re.compile(r"block\d+_from(\d+)")
_TO_WIDTH = re.compile(r"block(\d+)_(?:from\d+|unit\d+_project)_conv")
_UNIT = re.compile(r"block(\d+)_unit(\d+)")
_IN_UNIT = re.compile(r"block(\d+)_unit(\d+)_(expand_conv|se_reduce|se_expand)")


@dataclasses.dataclass(frozen=True)
class SlicedOperations(Operations):
    """Operations whose layers are as wide as the widest network, and compute with what is selected.

    A network's structure depends on widths in two places: a block is added to its input where both
    are as wide, and an absorbed one needs no convolution. Both are decided when it is computed.

    Args:
        activation, batch_norm_momentum, batch_norm_epsilon, symmetric_padding: as in `Operations`.
        spec: `NetworkSpec` of MBConv blocks.
        widths: the most channels of each block.
        images: the network's input.
    """

    spec: NetworkSpec = dataclasses.field(kw_only=True)
    widths: tuple[int, ...] = dataclasses.field(kw_only=True)
    images: KerasTensor = dataclasses.field(kw_only=True)

    @functools.cached_property
    def _selected(self) -> dict[int, KerasTensor]:
        """By a block's number the channels that it has now."""
        selected = SelectedWidths(self.widths, name=SELECTED)(self.images)
        return {number: selected[number - 1] for number in range(1, len(self.widths) + 1)}

    def _convolved(
        self, x: KerasTensor, filters: int, name: str, kernel_size: int, **arguments: Any
    ) -> KerasTensor:
        layer = SlicedConv2D(
            filters,
            kernel_size,
            kernel_initializer=self.kernel_initializer,
            parts=self._parts(x, name),
            name=name,
            **arguments,
        )
        count = self._count(name)
        return layer(x) if count is None else layer(x, count)

    def _depthwise_convolved(self, x: KerasTensor, name: str, **arguments: Any) -> KerasTensor:
        return SlicedDepthwiseConv2D(
            use_bias=False,
            depthwise_initializer=self.kernel_initializer,
            parts=self._parts(x, name),
            name=name,
            **arguments,
        )(x)

    def _normalized(self, x: KerasTensor, name: str) -> KerasTensor:
        # What the last convolution of a resampling returns lies in one part.
        is_last = _TO_WIDTH.fullmatch(f"{name.removesuffix('_bn')}_conv")
        return SlicedBatchNormalization(
            self.batch_norm_momentum,
            self.batch_norm_epsilon,
            parts=1 if is_last else self._parts(x, name),
            name=name,
        )(x)

    def _parts(self, x: KerasTensor, name: str) -> int:
        """In how many equal parts the channels of a layer's input lie: 4 after space-to-depth."""
        match = _RESAMPLING.match(name)
        return x.shape[-1] // self._most(int(match[1])) if match else 1

    def _most(self, number: int) -> int:
        return self.spec.stem_width if number == STEM else self.widths[number - 1]

    def _count(self, name: str) -> KerasTensor | None:
        """How many filters a convolution of this name has now; None for all."""
        if match := _TO_WIDTH.fullmatch(name):
            return self._selected[int(match[1])]
        match = _IN_UNIT.fullmatch(name)
        if not match:
            return None
        read, part = self._read_by(int(match[1]), int(match[2])), match[3]
        if read == STEM:
            return None
        if part != "se_reduce":
            return self._selected[read] * self.spec.expansion
        reduced = [self.spec.squeeze_excitation_width(n) for n in range(self._most(read) + 1)]
        return ops.take(ops.convert_to_tensor(reduced, "int32"), self._selected[read])

    def _read_by(self, number: int, unit: int) -> int:
        """The block, or the stem, whose width is that of what a unit of a block reads."""
        parents = self.spec.table.inputs_of(number)
        return parents[0] if unit == 1 and len(parents) == 1 else number

    def residual(
        self, x: KerasTensor, branch: KerasTensor, drop_rate: float, name: str
    ) -> KerasTensor:
        match = _UNIT.fullmatch(name)
        assert match is not None  # the builder names them so
        number, unit = map(int, match.groups())
        if self._read_by(number, unit) == number:
            return super().residual(x, branch, drop_rate, name)
        layer = AddIfAsWide(name=f"{name}_add")
        if not drop_rate:
            return layer(x, branch)
        return layer(x, branch, StochasticDepth(drop_rate, name=f"{name}_stochastic_depth")(branch))

    def can_add(self, read: int, returned: int) -> bool:
        return True

    def unless_as_wide(
        self, x: KerasTensor, filters: int, name: str, resampled: Callable[[], KerasTensor]
    ) -> KerasTensor:
        return TakeIfAsWide(name=f"{name}_or_itself")(x, resampled())
