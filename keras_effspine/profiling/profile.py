"""Counted costs, and their sums."""

import collections
import dataclasses
from typing import Any

PARTS = ("stem", "blocks", "resampling", "fusion", "endpoints", "backbone", "heads")
"""The parts of a model in the order of its graph: see `models.layer_roles`."""


@dataclasses.dataclass(frozen=True)
class Cost:
    """Counts that can be added.

    Args:
        parameters: trainable ones, as the paper counts.
        all_parameters: with the moving statistics of normalisation.
        macs: multiply-adds of convolutions and dense layers, as executed.
        published: multiply-adds by the paper's counting: with normalisation, activations and
            element-wise operations, and the 1x1 convolution before upsampling at the large size.
        executed: the same where that convolution runs: at the small size.
    """

    parameters: int = 0
    all_parameters: int = 0
    macs: int = 0
    published: float = 0.0
    executed: float = 0.0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            *(a + b for a, b in zip(_values(self), _values(other), strict=True)),
        )


def _values(cost):
    return tuple(getattr(cost, field.name) for field in dataclasses.fields(Cost))


@dataclasses.dataclass(frozen=True)
class LayerCost:
    """What one call of a layer costs.

    A layer's parameters are counted at its first call.

    Args:
        layer: name of the layer.
        kind: name of its class.
        part: one of `PARTS`.
        block: number of the block it belongs to, from 1, or None.
        level: feature level it works for, or None.
        output: shape of its output on one picture.
        cost: `Cost`.
    """

    layer: str
    kind: str
    part: str
    block: int | None
    level: int | None
    output: tuple
    cost: Cost


@dataclasses.dataclass(frozen=True)
class Profile:
    """What a model costs at one input size.

    Args:
        title: name of the model.
        image_size: pair of height and width in pixels.
        layers: tuple of `LayerCost`, in the order of the graph.
    """

    title: str
    image_size: tuple
    layers: tuple

    @property
    def total(self) -> Cost:
        """The sum of all layers, a `Cost`."""
        return sum((one.cost for one in self.layers), Cost())

    def by(self, key: str) -> dict[Any, Cost]:
        """Sums over all layers that agree in `"part"`, `"block"`, `"level"`, `"layer"` or `"kind"`.

        Returns:
            Dictionary from part, number or name to `Cost`, in the order of the graph; None stands
            for the layers that belong to no block or level.
        """
        sums: collections.defaultdict[Any, Cost] = collections.defaultdict(Cost)
        for one in self.layers:
            sums[getattr(one, key)] += one.cost
        if key in ("block", "level"):
            return {number: sums[number] for number in sorted(sums, key=lambda n: (n is None, n))}
        return dict(sums)

    def as_json(self) -> dict[str, Any]:
        """The profile as a dictionary that JSON can hold."""
        sums = {
            f"by_{key}": {
                str(name): dataclasses.asdict(cost) for name, cost in self.by(key).items()
            }
            for key in ("part", "block", "level", "layer")
        }
        return {
            "title": self.title,
            "image_size": list(self.image_size),
            "total": dataclasses.asdict(self.total),
            **sums,
        }
