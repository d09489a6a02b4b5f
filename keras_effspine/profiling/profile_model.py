"""Counting a model."""

import math

import keras
from keras import layers

from keras_effspine.errors import ProfilingError
from keras_effspine.layers.bilinear_upsampling import BilinearUpsampling
from keras_effspine.layers.level_resizing import NearestUpsampling, SpaceToDepth
from keras_effspine.models.layer_roles import LayerRole, layer_roles
from keras_effspine.profiling.graph_walk import Call, calls_of
from keras_effspine.profiling.layer_costs import layer_cost
from keras_effspine.profiling.profile import Cost, LayerCost, Profile


def profile_model(model: keras.Model, image_size: int | tuple[int, int] | None = None) -> Profile:
    """Counts parameters and multiply-adds of a model, by walking its graph.

    Nothing is computed but shapes, so any input size costs the same.

    Args:
        model: functional model; its backbone, if it has one, tells its parts (see
            `models.layer_roles`).
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
    levels, roles = _levels(calls), layer_roles(model)
    counted, entries = set(), []
    for call in calls:
        # A picture is a batch of one; the heads of a two-stage detector have one of its regions.
        regions = call.output[0]
        macs, element_wise = (
            regions * cost for cost in layer_cost(call.layer, call.inputs, call.output)
        )
        executed = published = macs + element_wise
        if call in enlarged:
            published = sum(layer_cost(call.layer, call.inputs, enlarged[call]))
        role = roles.get(call.layer.name, LayerRole("heads"))
        first = call.layer.name not in counted
        counted.add(call.layer.name)
        entries.append(
            LayerCost(
                layer=call.layer.name,
                kind=type(call.layer).__name__,
                part=role.part,
                block=role.block,
                level=levels[call] if role.level is None else role.level,
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
        if isinstance(before.layer, layers.BatchNormalization) and _is_pointwise(
            before.sources[0].layer
        ):
            for one in (before, before.sources[0]):
                enlarged[one] = (*call.output[:-1], one.output[-1])
    return enlarged


def _is_pointwise(layer):
    return type(layer) is layers.Conv2D and layer.kernel_size == (1, 1)


def _levels(calls: list[Call]) -> dict[Call, int | None]:
    """The level at which each call runs.

    A call that reads several levels, as the joining of a head's outputs, belongs to none.
    """
    levels: dict[Call, int | None] = {}
    for call in calls:
        read = {levels[source] for source in call.sources} or {0}
        level = read.pop() if len(read) == 1 else None
        if isinstance(call.layer, NearestUpsampling):
            level = call.layer.to_level
        elif isinstance(call.layer, BilinearUpsampling):
            level = call.layer.to_level
        elif level is not None:
            strides = getattr(call.layer, "strides", None) or (1,)
            level += int(math.log2(max(strides)))
            level += isinstance(call.layer, SpaceToDepth)
        levels[call] = level
    return levels


def _size(weights):
    return sum(weight.shape.num_elements() for weight in weights)
