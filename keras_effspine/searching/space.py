"""What is searched: one beta a block, from a set."""

import dataclasses

import numpy as np

from keras_effspine.errors import SearchError
from keras_effspine.topology.network_spec import NetworkSpec

BETAS = (1, 5, 10, 15, 20)
"""The set of the paper's search, as its distribution shows it."""

Candidate = tuple[int, ...]
"""For each block the place of its beta in the set, from 0."""


@dataclasses.dataclass(frozen=True)
class SearchSpace:
    """All distributions of a network's resources with betas from a set.

    Equations 3 and 4 of the paper give every one of them about the computation of the network
    that the specification describes: a beta is a share.

    Args:
        spec: `NetworkSpec` of the network.
        choices: tuple of positive numbers, the set.
        width_multiplier: multiplies all widths before they are rounded.

    Raises:
        SearchError: if the set has less than two numbers, or one that is not positive.
    """

    spec: NetworkSpec
    choices: tuple[float, ...] = BETAS
    width_multiplier: float = 1.0

    def __post_init__(self) -> None:
        ordered = tuple(sorted(set(self.choices)))
        if len(ordered) < 2 or ordered != tuple(self.choices) or not 0 < ordered[0]:
            raise SearchError(
                "The betas to choose from must be two positive numbers at least, in rising order "
                f"and each once. Received: {list(self.choices)}"
            )

    @property
    def blocks(self) -> int:
        """Number of choices that a candidate makes."""
        return len(self.spec.table.blocks)

    def betas(self, candidate: Candidate) -> tuple[float, ...]:
        """The candidate's betas: `backbone: {betas: [...]}` of a recipe."""
        return tuple(self.choices[place] for place in candidate)

    def widths(self, betas: tuple[float, ...] | None) -> tuple[int, ...]:
        """Channels of each block; of None those of the table, at the same multiplier."""
        spec = dataclasses.replace(self.spec, betas=betas)
        return spec.widths(self.width_multiplier)

    def sample(self, random: np.random.Generator) -> Candidate:
        """A candidate, each with the same chance."""
        return tuple(int(n) for n in random.integers(len(self.choices), size=self.blocks))
