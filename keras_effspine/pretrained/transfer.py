"""Weights from one model to another, as far as they fit."""

import collections
import dataclasses
import re
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from keras.src.utils.naming import to_snake_case


@dataclasses.dataclass(frozen=True)
class LayerReport:
    """What became of one layer of the model that weights were brought to.

    Args:
        name: path of the layer.
        shapes: shapes of its variables, by name.
        source_shapes: shapes of the variables of its namesake in the source; None where the source
            has no such layer.
        reason: why it was left out though it fits, or None.
    """

    name: str
    shapes: dict
    source_shapes: dict | None
    reason: str | None = None

    @property
    def size(self) -> int:
        """Number of values in its variables."""
        return sum(int(np.prod(shape)) for shape in self.shapes.values())

    def __str__(self) -> str:
        if self.source_shapes is None:
            return f"{self.name} (the source has none)"
        for part in [*self.shapes, *self.source_shapes]:
            there, here = self.source_shapes.get(part), self.shapes.get(part)
            if there != here:
                return f"{self.name} ({part}: {there} in the source, {here} here)"
        return f"{self.name} ({self.reason})" if self.reason else self.name


@dataclasses.dataclass(frozen=True)
class Transfer:
    """What `transfer_weights` did, layer by layer.

    Args:
        loaded: tuple of `LayerReport`s of the layers that have the source's weights.
        anew: tuple of `LayerReport`s of the layers that keep their initial weights.
        unused: tuple of paths of the source's layers that the model has no place for.
    """

    loaded: tuple
    anew: tuple
    unused: tuple

    def __str__(self) -> str:
        values = sum(layer.size for layer in self.loaded)
        layers = len(self.loaded) + len(self.anew)
        text = f"{len(self.loaded)} of {layers} layers loaded ({values:,} values)"
        if self.anew:
            text += f"; initialised anew: {some_of(self.anew)}"
        if self.unused:
            text += f"; not used: {some_of(self.unused)}"
        return text


def transfer_weights(
    source: keras.Model, target: keras.Model, anew: dict[str, str] | None = None
) -> Transfer:
    """Copies the weights of all layers that two models have in common.

    Layers are the same if they have the same path. Names that Keras made up, such as `conv2d_3`,
    are compared by their place among those of their kind. A layer is copied as a whole: if one of
    its variables has another shape, all keep their initial values. Optimizers and metrics are not
    touched.

    Args:
        source: `keras.Model` with the weights.
        target: built `keras.Model` that they are brought to; in the scope of a strategy all
            replicas get them.
        anew: dictionary from the paths of layers of the target that are to be left as they are to
            the reason, in words; or None.

    Returns:
        `Transfer`.
    """
    ours, theirs = _layers(target), _layers(source)
    anew = anew or {}
    loaded, left = list[LayerReport](), list[LayerReport]()
    for key, (name, variables) in ours.items():
        shapes = _shapes(variables)
        found = theirs.get(key)
        source_shapes = None if found is None else _shapes(found[1])
        fits = found is not None and source_shapes == shapes and name not in anew
        report = LayerReport(name, shapes, source_shapes, anew.get(name))
        (loaded if fits else left).append(report)
        if found is not None and fits:
            for part, variable in variables.items():
                variable.assign(ops.convert_to_numpy(found[1][part]))
    unused = tuple(name for key, (name, _) in theirs.items() if key not in ours)
    return Transfer(tuple(loaded), tuple(left), unused)


def _layers(model: keras.Model) -> dict[tuple, tuple[str, dict[str, Any]]]:
    """Dictionary from what identifies a layer in any model to its path and its variables by name.

    Functional models do not stand in the paths of their layers, so that a backbone's layers have
    the same paths by themselves and within a task.
    """
    numbered = _numbered_names(model)
    layers: dict[tuple, tuple[str, dict[str, Any]]] = {}
    for variable in model.weights:
        path, _, part = variable.path.rpartition("/")
        key = tuple(numbered.get(name, name) for name in path.split("/"))
        layers.setdefault(key, (path, {}))[1][part] = variable
    return layers


def _numbered_names(model: keras.Model) -> dict[str, tuple[str, int, int]]:
    """From each name that Keras made up to its kind, its place, and how many of these there are."""
    names: collections.defaultdict[str, list[str]] = collections.defaultdict(list)
    for layer in model._flatten_layers():
        kind = to_snake_case(type(layer).__name__)
        if re.fullmatch(rf"{kind}(_\d+)?", layer.name) and layer.name not in names[kind]:
            names[kind].append(layer.name)
    return {
        name: (kind, place, len(of_kind))
        for kind, of_kind in names.items()
        for place, name in enumerate(of_kind)
    }


def _shapes(variables: dict[str, Any]) -> dict[str, tuple]:
    return {name: tuple(variable.shape) for name, variable in variables.items()}


def some_of(names: Sequence[Any], shown: int = 3) -> str:
    """The first of the names, and how many more there are."""
    more = len(names) - shown
    text = ", ".join(str(name) for name in names[:shown])
    return text + (f" and {more} more" if more > 0 else "")
