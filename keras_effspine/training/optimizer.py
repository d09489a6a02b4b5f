"""From a recipe's optimization to a Keras optimizer."""

import keras

_NOT_DECAYED = ("bias", "gamma", "beta", "fusion_weights")


def build_optimizer(optimization, steps):
    """Makes the optimizer with its learning rate schedule.

    Args:
        optimization: `Optimization`.
        steps: number of training steps, over which the learning rate falls to zero.

    Returns:
        `keras.optimizers.Optimizer`.
    """
    warmup = int(round(optimization.warmup * steps))
    peak = optimization.learning_rate
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup else peak,
        decay_steps=max(1, steps - warmup),
        warmup_target=peak if warmup else None,
        warmup_steps=warmup,
    )
    common = {
        "learning_rate": schedule,
        "weight_decay": optimization.weight_decay,
        "global_clipnorm": optimization.clip_norm,
    }
    if optimization.optimizer == "adamw":
        optimizer = keras.optimizers.AdamW(**common)
    else:
        optimizer = keras.optimizers.SGD(momentum=0.9, nesterov=True, **common)
    optimizer.exclude_from_weight_decay(var_names=list(_NOT_DECAYED))
    return optimizer
