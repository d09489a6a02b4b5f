"""What a checkpoint of Google's code holds, whichever version of TensorFlow wrote it."""

import dataclasses
from collections.abc import Iterable

import numpy as np

from keras_effspine.checkpoints.checkpoint_file import CheckpointFile
from keras_effspine.errors import CheckpointError


@dataclasses.dataclass(frozen=True)
class SavedLayer:
    """The variables of one layer.

    Args:
        name: what the checkpoint calls the layer.
        keys: dictionary from the name of each variable in the layer to the key of its tensor.
        shapes: dictionary from this name to its shape.
    """

    name: str
    keys: dict[str, str]
    shapes: dict[str, tuple[int, ...]]

    @property
    def filters(self) -> int:
        """Number of output channels of a convolution."""
        kernel = self.shapes.get("kernel") or self.shapes["pointwise_kernel"]
        return kernel[-1]

    def read(self, file: CheckpointFile) -> dict[str, np.ndarray]:
        """Dictionary from the names of the variables to their values in float32."""
        return {name: file.read_finite(key) for name, key in self.keys.items()}


@dataclasses.dataclass(frozen=True)
class SavedSubnet:
    """RetinaNet's class or box subnet.

    Args:
        layers: tuple of the convolutions before the prediction.
        norms: tuple with, for each level from P3, a tuple of the batch normalisations.
        prediction: the last convolution.
    """

    layers: tuple[SavedLayer, ...]
    norms: tuple[tuple[SavedLayer, ...], ...]
    prediction: SavedLayer


@dataclasses.dataclass(frozen=True)
class SavedDetector:
    """A backbone's layers in the order in which Google's code makes them, and RetinaNet's head.

    Args:
        file: the checkpoint.
        family: `"spinenet"` or `"spinenet_mobile"`.
        variant: `"tf1"`, or None for TensorFlow 2; see `SpineNetBackbone`.
        outside: layers of the stem, of resampling and of the endpoints, by kind: dictionary from
            `"convolutions"`, `"excitations"` (those of squeeze-and-excitation, with bias),
            `"depthwise"` and `"norms"` to a tuple of layers.
        inside: layers of the blocks likewise, block by block.
        subnets: dictionary of `"classification"` and `"box"`.
        averaged: number of variables of which an average was taken.
    """

    file: CheckpointFile
    family: str
    variant: str | None
    outside: dict[str, tuple[SavedLayer, ...]]
    inside: dict[str, tuple[SavedLayer, ...]]
    subnets: dict[str, SavedSubnet]
    averaged: int


NORM_PARTS = ("gamma", "beta", "moving_mean", "moving_variance")

_KINDS = {
    ("kernel",): "convolutions",
    ("bias", "kernel"): "excitations",
    ("depthwise_kernel",): "depthwise",
    tuple(sorted(NORM_PARTS)): "norms",
}


def by_kind(
    file: CheckpointFile, layers: Iterable[SavedLayer]
) -> dict[str, tuple[SavedLayer, ...]]:
    """A backbone's layers by kind, in their order.

    Raises:
        CheckpointError: if a layer is none that these backbones have.
    """
    found: dict[str, list[SavedLayer]] = {kind: [] for kind in _KINDS.values()}
    for layer in layers:
        kind = _KINDS.get(tuple(sorted(layer.shapes)))
        if kind is None:
            raise CheckpointError(
                f"{file.name}: {layer.name} has the variables {', '.join(sorted(layer.shapes))}, "
                "as no layer of SpineNet has; only SpineNet and Mobile SpineNet are converted."
            )
        found[kind].append(layer)
    return {kind: tuple(of_kind) for kind, of_kind in found.items()}
