"""From a recipe's optimization to a Keras optimizer."""

import keras

from keras_effspine.optimizers import SGD, AdamW, LossScaleOptimizer, RMSprop, WarmupSchedule


def build_optimizer(optimization, steps, steps_per_epoch=1):
    """Makes the optimizer with its learning rate schedule.

    Args:
        optimization: `Optimization`, with a learning rate.
        steps: number of training steps.
        steps_per_epoch: number of steps in an epoch, in which the drops of a rate are counted.

    Returns:
        `keras.optimizers.Optimizer`; one that scales the loss where models are built for float16.
    """
    optimizer = _unscaled(optimization, steps, steps_per_epoch)
    # `compile` would do the same, with Keras' own class.
    if keras.config.dtype_policy().name == "mixed_float16":
        return LossScaleOptimizer(optimizer)
    return optimizer


def _unscaled(optimization, steps, steps_per_epoch):
    o = optimization
    drops = [(steps - epochs * steps_per_epoch, factor) for epochs, factor in o.drops]
    factor, every = o.exponential
    schedule = WarmupSchedule(
        peak=o.learning_rate,
        steps=steps,
        warmup_steps=round(o.warmup * steps) if o.warmup < 1 else int(o.warmup),
        warmup_start=o.warmup_start,
        drops=drops if o.schedule == "step" else None,
        exponential=(factor, every * steps_per_epoch) if o.schedule == "exponential" else None,
    )
    common = {
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
