"""The pieces that a network is made of, timed one by one."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import KerasTensor

from keras_effspine.layers.level_resizing import level_size
from keras_effspine.models.scale_permuted_backbone import ScalePermutedBackbone
from keras_effspine.networks.inference_graph import inference_graph
from keras_effspine.networks.operations import Operations
from keras_effspine.networks.scale_permuted import channels_of, computed, resampled
from keras_effspine.searching.latency_table import PieceTimes
from keras_effspine.searching.space import SearchSpace
from keras_effspine.searching.stopwatch import milliseconds
from keras_effspine.topology.block_table import STEM

READ, WIDTHS = 3, 4
"""Widths that a piece is timed at: of what it reads, and of its own."""


class _AlwaysResampling(Operations):
    """What an absorbed block takes where its width is another."""

    def unless_as_wide(
        self, x: KerasTensor, filters: int, name: str, resampled: Callable[[], KerasTensor]
    ) -> KerasTensor:
        return resampled()


class NetworkPieces:
    """The pieces of a backbone, folded for inference, at the widths of a space.

    Args:
        backbone: `ScalePermutedBackbone`; its weights are not used.
        space: `SearchSpace`.
        size: height and width of the picture in pixels.

    Attributes:
        least, most: the least and the most channels of each block.
        stem: channels of the stem.
    """

    def __init__(self, backbone: ScalePermutedBackbone, space: SearchSpace, size: int) -> None:
        # Folded, weights of a fusion are part of the convolutions before it.
        self.stem = backbone.spec.stem_width_at(space.width_multiplier)
        self._spec = dataclasses.replace(
            backbone.spec, betas=None, weighted_fusion=False, stem_width=self.stem
        )
        self._operations = _AlwaysResampling(
            backbone.activation, normalization=backbone.normalization
        )
        self._size = size
        self.least, self.most = space.spec.extreme_widths(space.choices, space.width_multiplier)
        given = backbone.block_repeats
        if given is None:
            given = backbone.spec.repeats(backbone.depth_multiplier)
        self._repeats = (given,) * space.blocks if isinstance(given, int) else tuple(given)
        self._known: dict[Any, float] = {}

    def timed(self) -> tuple[PieceTimes, ...]:
        """All of them, timed."""
        table, found = self._spec.table, []
        for number in range(1, len(table.blocks) + 1):
            parents = table.inputs_of(number)
            if len(parents) > 1:
                for parent in parents:
                    absorbs = parent in table.absorbed().get(number, ())
                    found.append(self._piece(parent, number, self._resampling, absorbs))
            read = parents[0] if len(parents) == 1 else number
            found.append(self._piece(read, number, self._block))
        found += [self._piece(number, number, self._endpoint) for _, number in table.outputs]
        return tuple(found)

    def _piece(self, parent, number, build, absorbs=False):
        widths = self._grid(number, WIDTHS)
        read = self._grid(parent, READ) if parent != number else (widths[0],)
        if parent == number:  # what it reads is as wide as itself
            times = (tuple(self._timed(build, parent, number, width, width) for width in widths),)
        else:
            times = tuple(
                tuple(self._timed(build, parent, number, one, width) for width in widths)
                for one in read
            )
        return PieceTimes(
            parent=parent, block=number, absorbs=absorbs, read=read, widths=widths, ms=times
        )

    def _grid(self, number, points):
        if number == STEM:
            return (self.stem,)
        spaced = np.geomspace(self.least[number - 1], self.most[number - 1], points)
        return tuple(sorted({self._spec.rounded(float(width)) for width in spaced}))

    def _timed(self, build, parent, number, read, width):
        widths = list(self.least)
        widths[number - 1] = width
        if parent != STEM:
            widths[parent - 1] = read
        inputs, output, alike = build(parent, number, tuple(widths))
        key = build.__name__, alike, read, width
        if key not in self._known:
            folded = inference_graph(keras.Model(inputs, output), inputs)
            model = keras.Model(inputs, folded)
            self._known[key] = milliseconds(lambda *x: model(list(x), training=False), inputs)
        return self._known[key]

    def _output(self, number, widths):
        """A map as a block, or the stem, returns it."""
        side = level_size(self._size, self._spec.table.level_of(number))
        return keras.Input((side, side, channels_of(number, self._spec, widths)), batch_size=1)

    def _resampling(self, parent, number, widths):
        table = self._spec.table
        levels = table.level_of(parent), table.level_of(number)
        x = self._output(parent, widths)
        images = keras.Input((self._size, self._size, 3), batch_size=1)
        spec = self._spec
        y = resampled(x, parent, number, images, spec, widths, self._operations)
        return [x, images], y, levels

    def _block(self, parent, number, widths):
        table, count = self._spec.table, len(self._spec.table.inputs_of(number))
        inputs = [self._output(parent, widths) for _ in range(count)]
        y = computed(inputs, number, self._spec, widths, self._repeats, self._operations)
        levels = table.level_of(parent), table.level_of(number)
        return inputs, y, (*levels, count, self._repeats[number - 1])

    def _endpoint(self, parent, number, widths):
        x = self._output(number, widths)
        y = self._operations.convolution(x, self._spec.endpoint_width, "endpoint")
        return [x], y, self._spec.table.level_of(number)
