"""Choosing some of many at random, with static shapes."""

from typing import Any

from keras import ops


def choose_at_random(candidates: Any, noise: Any, most: int, count: Any = None) -> Any:
    """Some of the candidates of each row, those with the greatest noise.

    Args:
        candidates: bool `(batch, n)`.
        noise: float `(batch, n)` in [0, 1), independent and uniform for a fair choice. What is
            equal at the last place is chosen together.
        most: greatest number of the chosen.
        count: int32 `(batch, 1)`, a lesser number for each row, or None.

    Returns:
        bool `(batch, n)`; all candidates where there are no more than are to be chosen.
    """
    key = ops.where(candidates, noise, -1.0)
    best, _ = ops.top_k(key, min(most, key.shape[1]))
    if count is None:
        return ops.logical_and(candidates, key >= best[:, -1:])
    last = ops.clip(count - 1, 0, best.shape[1] - 1)
    threshold = ops.take_along_axis(best, last, axis=1)
    return ops.logical_and(ops.logical_and(candidates, key >= threshold), count > 0)
