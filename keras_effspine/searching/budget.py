"""The hard limit that every candidate keeps."""

import abc


class Budget(abc.ABC):
    """A price for each candidate, told without building it, and the most that it may be.

    Args:
        limit: the most that a candidate may cost.
        unit: what of, in a few words.
    """

    def __init__(self, limit: float, unit: str) -> None:
        self.limit = limit
        self.unit = unit

    @abc.abstractmethod
    def price(self, betas: tuple[float, ...]) -> float:
        """What a candidate costs."""

    def allows(self, betas: tuple[float, ...]) -> bool:
        """Whether a candidate is within the budget."""
        return self.price(betas) <= self.limit
