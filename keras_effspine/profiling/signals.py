"""Signal propagation: how large the maps of a network are, block by block (arXiv:2101.08692, 3)."""

import dataclasses
from typing import Any

import keras
import numpy as np

from keras_effspine.errors import ProfilingError
from keras_effspine.models.layer_roles import LayerRole, layer_roles

_PLACES = ("stem", "blocks", "fusion", "endpoints")

_DEAD = 1e-8
"""A variance below which nothing of the picture is left in a map."""


@dataclasses.dataclass(frozen=True)
class Signal:
    """What a map is made of.

    Args:
        place: the part of the network, with the number of the block; `"output"` of the model.
        layer: name of the layer that makes the map.
        level: feature level, or None.
        mean_square: mean over channels of the squared mean of each.
        variance: mean over channels of the variance of each, over pictures and places.
    """

    place: str
    layer: str
    level: int | None
    mean_square: float
    variance: float

    @property
    def is_dead(self) -> bool:
        """Whether the map says nothing of the picture: it is the same everywhere, or no number."""
        return not self.variance > _DEAD


def signals(model: keras.Model, images: np.ndarray) -> tuple[Signal, ...]:
    """Measures the maps at the end of each block, as a training step would see them.

    Normalisation uses the statistics of these pictures, and stochastic depth and dropout act. The
    model is left as it was.

    Args:
        model: functional model with a backbone that tells its layers' roles.
        images: `(batch, height, width, 3)`, RGB in [0, 255].

    Returns:
        Tuple of `Signal` in the order of the graph, the model's outputs last.

    Raises:
        ProfilingError: if the backbone does not tell its layers' roles.
    """
    roles = layer_roles(model)
    last: dict[tuple, Any] = {}
    for layer in model.layers:
        role = roles.get(layer.name)
        if role is not None and role.part in _PLACES:
            key = (role.part, role.block, role.level if role.part == "endpoints" else None)
            last.pop(key, None)  # the order is that of the last layers
            last[key] = layer
    if not last:
        raise ProfilingError(
            f"Model '{model.name}': its backbone does not tell what its layers are for."
        )
    found = [
        (_place(roles[la.name]), la.name, roles[la.name].level, la.output) for la in last.values()
    ]
    found += [
        ("output", x._keras_history.operation.name, None, x)
        for x in keras.tree.flatten(model.output)
    ]
    before = model.get_weights()
    maps = keras.Model(model.inputs[0], [x for *_, x in found])(images, training=True)
    model.set_weights(before)
    return tuple(
        Signal(place, layer, level, *_moments(keras.ops.convert_to_numpy(x)))
        for (place, layer, level, _), x in zip(found, maps, strict=True)
    )


def _place(role: LayerRole) -> str:
    if role.part == "endpoints":
        return f"P{role.level}"
    name = {"blocks": "block", "fusion": "fusion of block"}.get(role.part, role.part)
    return name if role.block is None else f"{name} {role.block}"


def _moments(x: np.ndarray) -> tuple[float, float]:
    x = x.astype("float64").reshape(-1, x.shape[-1])
    return float(np.mean(x.mean(0) ** 2)), float(np.mean(x.var(0)))


def noise(count: int, size: int, seed: int = 0) -> np.ndarray:
    """Pictures of Gaussian noise with the mean and deviation of ImageNet's, not clipped."""
    random = np.random.default_rng(seed)
    return random.normal(118.0, 58.0, (count, size, size, 3)).astype("float32")
