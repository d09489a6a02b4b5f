"""How much better than usual a score is, for policy gradients."""

import math


class Advantage:
    """A score less a moving average of scores, over a moving deviation from it.

    With the deviation, rewards of any scale are learnt from alike, and a weight of the entropy
    means the same for each.

    Args:
        decay: of the moving averages; 0.95 in the public controllers.
    """

    def __init__(self, decay: float = 0.95) -> None:
        self._decay = decay
        self._baseline: float | None = None
        self._variance = 0.0
        self._weight = 0.0

    def of(self, score: float) -> float:
        """The advantage of a score, which then moves the averages."""
        if self._baseline is None:
            self._baseline = score
        difference = score - self._baseline
        self._variance = self._decay * self._variance + (1 - self._decay) * difference**2
        self._weight = self._decay * self._weight + (1 - self._decay)
        self._baseline += (1 - self._decay) * difference
        return difference / (math.sqrt(self._variance / self._weight) + 1e-12)
