"""Learning rates that rise linearly and then fall."""

import bisect
import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_effspine")
class WarmupSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up, then cosine decay to zero, steps down, or an exponential decay in steps.

    Args:
        peak: rate after the warm-up.
        steps: number of all steps, over which the cosine falls to zero.
        warmup_steps: number of steps in which the rate rises.
        warmup_start: rate at step 0.
        drops: list of pairs of a step and the factor of the peak that holds from it on; None for
            the cosine.
        exponential: pair of a factor and a number of steps, counted from the first, after each of
            which the rate is multiplied by it; in place of `drops`.
    """

    def __init__(
        self,
        peak: float,
        steps: int,
        warmup_steps: int = 0,
        warmup_start: float = 0.0,
        drops: Sequence[Sequence[float]] | None = None,
        exponential: Sequence[float] | None = None,
    ) -> None:
        self.peak = peak
        self.steps = steps
        self.warmup_steps = warmup_steps
        self.warmup_start = warmup_start
        self.drops = None if drops is None else [list(drop) for drop in drops]
        self.exponential = None if exponential is None else list(exponential)

    def __call__(self, step: Any) -> Any:
        step = ops.cast(step, "float32")
        rising = self.warmup_start + (self.peak - self.warmup_start) * step / max(
            1, self.warmup_steps
        )
        if self.exponential is not None:
            factor, each = self.exponential
            falling = self.peak * factor ** ops.floor(step / each)
        elif self.drops is None:
            decay_steps = max(1, self.steps - self.warmup_steps)
            share = ops.clip((step - self.warmup_steps) / decay_steps, 0.0, 1.0)
            falling = 0.5 * self.peak * (1.0 + ops.cos(math.pi * share))
        else:
            falling = ops.convert_to_tensor(self.peak, "float32")
            for start, factor in self.drops:
                falling = ops.where(step >= start, self.peak * factor, falling)
        return ops.where(step < self.warmup_steps, rising, falling)

    def halved_at(self) -> int:
        """The first step, from the end of the warm-up on, at which the rate is half the peak.

        Where it never is, the end of the warm-up.
        """
        steps = range(self.warmup_steps, self.steps + 1)
        # The rate only falls.
        place = bisect.bisect_left(steps, True, key=lambda step: float(self(step)) <= self.peak / 2)
        return steps[place] if place < len(steps) else self.warmup_steps

    def get_config(self) -> dict[str, Any]:
        return {
            "peak": self.peak,
            "steps": self.steps,
            "warmup_steps": self.warmup_steps,
            "warmup_start": self.warmup_start,
            "drops": self.drops,
            "exponential": self.exponential,
        }
