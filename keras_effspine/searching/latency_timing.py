"""Timing the blocks of a network on this device."""

import dataclasses
import os
import platform
import time
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import KerasTensor

from keras_effspine.errors import SearchError
from keras_effspine.layers.level_resizing import level_size
from keras_effspine.models.scale_permuted_backbone import ScalePermutedBackbone
from keras_effspine.networks.inference_graph import inference_graph
from keras_effspine.networks.operations import Operations
from keras_effspine.networks.scale_permuted import channels_of, computed, resampled
from keras_effspine.pretrained.pretrained import Pretrained
from keras_effspine.searching.latency_table import LatencyTable, PieceTimes, TimedNetwork
from keras_effspine.searching.space import SearchSpace
from keras_effspine.tasks.registry import find_task
from keras_effspine.topology.block_table import STEM
from keras_effspine.training.recipe import Recipe
from keras_effspine.training.recipe_changes import override

READ, WIDTHS = 3, 4
"""Widths that a piece is timed at: of what it reads, and of its own."""

RANDOM = 3
"""Random networks that are timed as a whole, beside the narrowest and the preset's own."""

RUNS, SECONDS = 10, 0.05
"""Least number of runs of a timing, and of seconds; the fastest run counts, since whatever else the
device does makes the others slower."""

CLOCK = time.perf_counter


def time_blocks(
    recipe: Recipe,
    class_names: tuple[str, ...],
    start: Pretrained,
    space: SearchSpace,
    report: Callable[[str], None],
) -> LatencyTable:
    """Times all pieces that a network can have: resampled inputs, blocks, and endpoints.

    Args:
        recipe, class_names, start, space: as in `Latency`.
        report: function that is given each line of text for the user.

    Raises:
        SearchError: if the device is too busy to tell a narrow network from a wide one.
    """
    backbone = find_task(recipe.task).build_model(recipe, class_names, start).backbone
    timing = _Timing(backbone, space, int(recipe.image_size or 0))
    device = _device()
    report(f"Timing the blocks of the network on {device}: a few minutes.")
    pieces = timing.pieces()
    own = tuple(space.spec.betas or (1.0,) * space.blocks)
    random = np.random.default_rng(recipe.seed)
    drawn = [space.betas(space.sample(random)) for _ in range(RANDOM)]
    changes: dict[tuple[int, ...], dict[str, Any]] = {
        timing.least: {"backbone.widths": list(timing.least)},
        **{space.widths(betas): {"backbone.betas": list(betas)} for betas in (own, *drawn)},
    }
    networks = tuple(
        TimedNetwork(widths=widths, ms=_time_model(override(recipe, change), class_names, start))
        for widths, change in changes.items()
    )
    table = LatencyTable(device=device, stem=timing.stem, pieces=pieces, networks=networks)
    if len(networks) < 2 or table.line[0] <= 0:
        raise SearchError(
            f"The network of the least widths took {networks[0].ms:.2f} ms a picture, others "
            f"{networks[-1].ms:.2f}: this device is too busy to be timed, or its times do not "
            "depend on widths. Try again when it is idle, or give --multiply-adds."
        )
    return table


def time_candidate(
    recipe: Recipe, class_names: tuple[str, ...], start: Pretrained, betas: tuple[float, ...]
) -> float:
    """Milliseconds that the model of a candidate takes for one picture."""
    return _time_model(override(recipe, {"backbone.betas": list(betas)}), class_names, start)


def _time_model(recipe, class_names, start):
    model = find_task(recipe.task).build_model(recipe, class_names, start)
    images = keras.Input((recipe.image_size, recipe.image_size, 3), batch_size=1)
    fused = keras.Model(images, inference_graph(model, images))
    return _time(lambda x: fused(x, training=False), [images])


class _AlwaysResampling(Operations):
    """What an absorbed block takes where its width is another."""

    def unless_as_wide(
        self, x: KerasTensor, filters: int, name: str, resampled: Callable[[], KerasTensor]
    ) -> KerasTensor:
        return resampled()


class _Timing:
    """The pieces of a backbone at the widths of a space."""

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

    def pieces(self) -> tuple[PieceTimes, ...]:
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
            self._known[key] = _time(lambda *x: model(list(x), training=False), inputs)
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


def _device():
    """This machine's device, in words."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        kind = tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")
    else:
        kind = f"{platform.machine()}, {os.cpu_count()} cores"
    return f"{kind}, TensorFlow {tf.__version__}"


def _time(call: Callable[..., Any], inputs: Sequence[keras.KerasTensor]) -> float:
    """Milliseconds of the fastest run of a function on random maps."""
    random = np.random.default_rng(0)
    maps = [tf.constant(random.uniform(size=x.shape).astype("float32")) for x in inputs]
    function = tf.function(call)
    times: list[float] = []
    for _ in range(2):  # traces, and lets the device settle
        _finish(function(*maps))
    began = CLOCK()
    while len(times) < RUNS or CLOCK() - began < SECONDS:
        start = CLOCK()
        _finish(function(*maps))
        times.append(CLOCK() - start)
    return 1000 * min(times)


def _finish(outputs):
    """Waits for what a device computes while Python goes on."""
    for output in keras.tree.flatten(outputs):
        output.numpy()
