"""Counting a model."""

import math
import re

from keras import layers

from keras_effspine.errors import ProfilingError
from keras_effspine.layers.bilinear_upsampling import BilinearUpsampling
from keras_effspine.layers.level_resizing import NearestUpsampling, SpaceToDepth
from keras_effspine.profiling.graph_walk import calls_of
from keras_effspine.profiling.layer_costs import layer_cost
from keras_effspine.profiling.profile import Cost, LayerCost, Profile

# The names that the builder gives (see `networks.scale_permuted`); all others are of a head.
_PARTS = (
    ("stem", re.compile(r"rescaling$|stem_")),
    ("resampling", re.compile(r"block(\d\d)_from\d\d_")),
    ("fusion", re.compile(r"block(\d\d)_fusion")),
    ("blocks", re.compile(r"block(\d\d)_unit\d+_")),
    ("endpoints", re.compile(r"p\d_")),
)


def profile_model(model, image_size=None):
    """Counts parameters and multiply-adds of a model, by walking its graph.

    Nothing is computed but shapes, so any input size costs the same.

    Args:
        model: functional model of this package.
        image_size: height and width in pixels, or a pair of them; None takes the model's own, if
            it is fixed.

    Returns:
        `Profile`, for one picture.

    Raises:
        ProfilingError: if the model is not made for this size, or holds a layer whose cost is not
            known.
    """
    size = _pair(model, image_size)
    calls = calls_of(model, size)
    enlarged = _counted_enlarged(calls)
    levels = _levels(calls)
    counted, entries = set(), []
    for call in calls:
        macs, element_wise = layer_cost(call.layer, call.inputs, call.output)
        executed = published = macs + element_wise
        if call in enlarged:
            published = sum(layer_cost(call.layer, call.inputs, enlarged[call]))
        part, block = _part_and_block(call)
        first = call.layer.name not in counted
        counted.add(call.layer.name)
        entries.append(
            LayerCost(
                layer=call.layer.name,
                kind=type(call.layer).__name__,
                part=part,
                block=block,
                level=levels[call],
                output=call.output[1:],
                cost=Cost(
                    parameters=_size(call.layer.trainable_weights) if first else 0,
                    all_parameters=call.layer.count_params() if first else 0,
                    macs=macs,
                    published=published,
                    executed=executed,
                ),
            )
        )
    return Profile(model.name, size, tuple(entries))


def _pair(model, image_size):
    if image_size is None:
        image_size = model.inputs[0].shape[1:3]
    elif isinstance(image_size, int):
        image_size = (image_size, image_size)
    if len(image_size) != 2 or not all(isinstance(n, int) and n >= 1 for n in image_size):
        raise ProfilingError(
            f"Model '{model.name}': name height and width, whole numbers of pixels above 0. "
            f"Received: {tuple(image_size)}"
        )
    return tuple(image_size)


def _counted_enlarged(calls):
    """Calls that the paper counts at a larger size, with the shapes of their outputs there.

    The paper's order is upsampling, 1x1 convolution, normalisation; the graph upsamples last.
    """
    enlarged = {}
    for call in calls:
        if not isinstance(call.layer, NearestUpsampling):
            continue
        before = call.sources[0]
        if isinstance(before.layer, layers.BatchNormalization):
            for one in (before, before.sources[0]):
                enlarged[one] = (*call.output[:-1], one.output[-1])
    return enlarged


def _levels(calls):
    """The level for which each call works: within a block the block's, otherwise where it runs.

    A call that reads several levels, as the joining of a head's outputs, belongs to none.
    """
    runs_at, of_block = {}, {}
    for call in calls:
        read = {runs_at[source] for source in call.sources} or {0}
        level = read.pop() if len(read) == 1 else None
        if isinstance(call.layer, NearestUpsampling):
            level = call.layer.to_level
        elif isinstance(call.layer, BilinearUpsampling):
            level = 0
        elif isinstance(call.layer, SpaceToDepth):
            level += 1
        elif level is not None:
            level += int(math.log2(max(getattr(call.layer, "strides", (1,)))))
        runs_at[call] = level
        of_block[_part_and_block(call)[1]] = level  # the last one is the block's output
    return {call: of_block.get(_part_and_block(call)[1] or -1, runs_at[call]) for call in calls}


def _part_and_block(call):
    for part, pattern in _PARTS:
        match = pattern.match(call.layer.name)
        if match:
            return part, int(match[1]) if match.groups() else None
    return "heads", None


def _size(weights):
    return sum(weight.shape.num_elements() for weight in weights)
