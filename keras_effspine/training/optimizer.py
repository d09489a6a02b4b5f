"""From a recipe's optimization to a Keras optimizer."""

from typing import Any, cast

import keras

from keras_effspine.errors import RecipeError
from keras_effspine.optimizers import SGD, AdamW, LossScaleOptimizer, RMSprop, WarmupSchedule
from keras_effspine.training.optimization import Optimization


def rate_schedule(
    optimization: Optimization, steps: int, steps_per_epoch: float = 1
) -> WarmupSchedule:
    """The learning rate over a run.

    Args:
        optimization: `Optimization`, with a learning rate.
        steps: number of training steps.
        steps_per_epoch: number of steps in an epoch, in which the drops of a rate are counted.

    Raises:
        RecipeError: the warm-up is no shorter than the run, or the rate drops before it has risen.
    """
    o = optimization
    warmup_steps = round(o.warmup * steps) if o.warmup < 1 else int(o.warmup)
    if o.warmup >= 1 and warmup_steps >= steps:
        raise RecipeError(
            f"The learning rate rises for {warmup_steps} steps (optimization.warmup), and the run "
            f"has {steps}: it would never reach {o.learning_rate:g}. Train longer, or give a share "
            "of the run, such as --set optimization.warmup=0.05."
        )
    drops = [(round(steps - epochs * steps_per_epoch), factor) for epochs, factor in o.drops]
    if o.schedule == "step" and drops and drops[0][0] < max(1, warmup_steps):
        raise RecipeError(
            f"The learning rate is to drop {o.drops[0][0]:g} epochs before the end "
            f"(optimization.drops), which is step {drops[0][0]} of {steps}, before it has risen "
            f"for {warmup_steps} steps (optimization.warmup). Train longer, or give drops nearer "
            "to the end, or --set optimization.schedule=cosine."
        )
    factor, every = o.exponential
    return WarmupSchedule(
        peak=cast(float, o.learning_rate),
        steps=steps,
        warmup_steps=warmup_steps,
        warmup_start=o.warmup_start,
        drops=drops if o.schedule == "step" else None,
        exponential=(factor, every * steps_per_epoch) if o.schedule == "exponential" else None,
    )


def build_optimizer(
    optimization: Optimization, steps: int, steps_per_epoch: float = 1
) -> keras.optimizers.Optimizer:
    """Makes the optimizer with its learning rate schedule.

    Args:
        optimization, steps, steps_per_epoch: as in `rate_schedule`.

    Returns:
        `keras.optimizers.Optimizer`; one that scales the loss where models are built for float16.
    """
    optimizer = _unscaled(optimization, rate_schedule(optimization, steps, steps_per_epoch))
    # `compile` would do the same, with Keras' own class.
    if keras.config.dtype_policy().name == "mixed_float16":
        return LossScaleOptimizer(optimizer)
    return optimizer


def _unscaled(o: Optimization, schedule: WarmupSchedule) -> keras.optimizers.Optimizer:
    common: dict[str, Any] = {
        "learning_rate": schedule,
        "global_clipnorm": o.clip_norm,
        "gradient_accumulation_steps": o.accumulate if o.accumulate > 1 else None,
    }
    if o.optimizer == "adamw":
        return AdamW(weight_decay=o.weight_decay, **common)
    common |= {
        "momentum": o.momentum,
        "weight_decay": o.weight_decay if o.decay == "decoupled" else None,
        "l2": o.weight_decay if o.decay == "l2" else 0.0,
    }
    if o.optimizer == "rmsprop":
        return RMSprop(rho=_RHO, epsilon=_EPSILON, **common)
    return SGD(nesterov=o.nesterov, **common)


_RHO, _EPSILON = 0.9, 1e-3
"""EfficientNet's RMSprop (arXiv:1905.11946). There the average of squares starts at 1, not 0."""
