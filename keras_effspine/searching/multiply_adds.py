"""The budget of multiply-adds, and what random candidates need of it."""

import dataclasses

import numpy as np

from keras_effspine.errors import SearchError
from keras_effspine.profiling.profile import Cost
from keras_effspine.searching.budget import Budget
from keras_effspine.searching.counts import Counts
from keras_effspine.searching.space import SearchSpace

DRAWN = 1000
"""Candidates that are priced before a search begins."""


class MultiplyAdds(Budget):
    """A budget of multiply-adds of the whole model on one picture, counted as in the paper.

    Args:
        counts: `Counts`.
        limit: the most; None allows a tenth more than the recipe's own model has, as the paper's
            candidates stay within a tenth of their target.
    """

    def __init__(self, counts: Counts, limit: float | None = None) -> None:
        own = counts.own.published
        super().__init__(1.1 * own if limit is None else limit, "multiply-adds")
        self._counts = counts

    def price(self, betas: tuple[float, ...]) -> float:
        return self._counts.cost(betas).published


@dataclasses.dataclass(frozen=True)
class Drawn:
    """What random candidates cost, before a search begins.

    Args:
        multiply_adds, parameters: float64 `(DRAWN,)`.
        allowed: bool `(DRAWN,)`, whether the budget allows each.
        equal: `Cost` of the network with equal betas, which equation 3 makes the target.
        budget: the `Budget`.
    """

    multiply_adds: np.ndarray
    parameters: np.ndarray
    allowed: np.ndarray
    equal: Cost
    budget: Budget

    def in_words(self) -> str:
        """One line, with what Figure 5 of the paper shows."""
        near = np.abs(self.multiply_adds / self.equal.published - 1) <= 0.1
        return (
            f"Of {len(near)} random candidates {near.mean():.1%} have the multiply-adds of the "
            f"network with equal betas, {self.equal.published / 1e6:,.1f} M, within 10 %; "
            f"{(self.parameters < self.equal.parameters).mean():.1%} have fewer parameters than "
            f"its {self.equal.parameters:,}; {self.allowed.mean():.1%} are within the budget of "
            f"{self.budget.amount(self.budget.limit)}."
        )


def draw(space: SearchSpace, counts: Counts, budget: Budget, seed: int) -> Drawn:
    """Prices random candidates.

    Args:
        space: `SearchSpace`.
        counts: `Counts`.
        budget: `Budget`.
        seed: of the candidates.

    Raises:
        SearchError: if the budget allows none of them.
    """
    random = np.random.default_rng(seed)
    drawn = [space.betas(space.sample(random)) for _ in range(DRAWN)]
    prices = [budget.price(betas) for betas in drawn]
    if min(prices) > budget.limit:
        raise SearchError(
            f"The budget allows none of {DRAWN} random candidates: the limit is "
            f"{budget.amount(budget.limit)}, and they cost from {budget.amount(min(prices))} to "
            f"{budget.amount(max(prices))}. Raise it, or aim lower: a smaller preset, or --set "
            "backbone.width_multiplier."
        )
    costs = [counts.cost(betas) for betas in drawn]
    return Drawn(
        np.array([cost.published for cost in costs]),
        np.array([cost.parameters for cost in costs], "float64"),
        np.array([price <= budget.limit for price in prices]),
        counts.cost(None),
        budget,
    )
