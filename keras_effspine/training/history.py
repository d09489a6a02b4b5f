"""The measurements of a run, one after the other."""

import math
from collections.abc import Mapping


class History:
    """Which measurement is the best, and whether more of them are worth waiting for.

    Args:
        entries: list of dictionaries of `"step"` and the metrics, the most telling one first, of
            which more is better; the measurements so far.
        patience: number of measurements without a better one after which the run is to end; None
            for no such end.
        patient_until: measurements before this step do not count for the patience: while the
            learning rate is high the model need not get better.
        floors: from a step to the least value of the most telling metric there with which the run
            is worth going on with; None for no such floors.
    """

    def __init__(
        self,
        entries: list[dict],
        patience: int | None,
        patient_until: int = 0,
        floors: Mapping[int, float] | None = None,
    ) -> None:
        self.entries = entries
        self._patience = patience
        self._patient_until = patient_until
        self._floors = floors or {}

    def add(self, step: int, metrics: dict[str, float | None]) -> None:
        """Adds a measurement in place of later ones, which a run that goes on makes again."""
        self.entries = [past for past in self.entries if past["step"] < step]
        self.entries.append({"step": step, **metrics})

    def holds(self, step: int) -> bool:
        """Whether the model was measured after this step."""
        return any(past["step"] == step for past in self.entries)

    @property
    def best(self) -> dict | None:
        """The best measurement, the earlier one of equals; None before the first."""
        return max(self.entries, key=_score, default=None)

    @property
    def is_below_floor(self) -> bool:
        """Whether the last measurement is below its floor, and so not worth going on from."""
        if not self.entries:
            return False
        last = self.entries[-1]
        return _score(last) < self._floors.get(last["step"], -math.inf)

    @property
    def is_exhausted(self) -> bool:
        """Whether the run is to end: the patience has run out, or it is below a floor."""
        best = self.best
        if self.is_below_floor:
            return True
        if self._patience is None or best is None:
            return False
        counted_from = max(best["step"] + 1, self._patient_until)
        return sum(past["step"] >= counted_from for past in self.entries) >= self._patience


def _score(measured: dict) -> float:
    value = next(value for name, value in measured.items() if name != "step")
    return -math.inf if value is None else value
