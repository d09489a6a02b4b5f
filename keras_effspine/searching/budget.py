"""The hard limit that every candidate keeps."""

import abc
import pathlib
from collections.abc import Callable


class Budget(abc.ABC):
    """A price for each candidate, told without building it, and the most that it may be.

    Args:
        limit: the most that a candidate may cost.
        unit: what of, in a few words.
    """

    def __init__(self, limit: float, unit: str) -> None:
        self.limit = limit
        self.unit = unit

    def prepare(  # noqa: B027 (most need nothing)
        self, folder: pathlib.Path, report: Callable[[str], None]
    ) -> None:
        """Makes what prices are told by, once, before any candidate is priced.

        Args:
            folder: absolute path of the folder of the search, claimed by this process, where what
                is made is kept.
            report: function that is given each line of text for the user.
        """

    @abc.abstractmethod
    def price(self, betas: tuple[float, ...]) -> float:
        """What a candidate costs."""

    def allows(self, betas: tuple[float, ...]) -> bool:
        """Whether a candidate is within the budget."""
        return self.price(betas) <= self.limit

    def amount(self, value: float) -> str:
        """A price in words."""
        return f"{value:,.0f} {self.unit}"

    def checked(self, betas: tuple[float, ...]) -> str:
        """What a candidate really costs, in a sentence; empty where a price is that already."""
        return ""
