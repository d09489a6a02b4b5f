"""The optimizer and its learning rate, as options."""

from typing import Annotated, Literal

import pydantic

from keras_effspine.validation import VALUE

_Share = Annotated[float, pydantic.Field(ge=0, lt=1)]
_Positive = Annotated[float, pydantic.Field(gt=0)]


class Optimization(pydantic.BaseModel):
    """How the weights are moved.

    Values cannot be changed; unknown names, NaN and infinity are refused.

    Args:
        optimizer: `"adamw"`, or, with momentum, `"sgd"` or `"rmsprop"`, the latter with the
            constants of EfficientNet: squares are averaged with 0.9, epsilon is 0.001.
        momentum: of `"sgd"` and `"rmsprop"`.
        nesterov: whether the momentum of `"sgd"` is Nesterov's.
        learning_rate: the rate after warm-up; None has it picked from the batch size.
        learning_rate_batch: pictures an update that `learning_rate` and `warmup_start` are meant
            for: with another batch both are scaled linearly (arXiv:1706.02677). None for rates that
            are used as they are. Who sets `learning_rate` alone sets this to None.
        warmup: share of all steps in which the rate rises linearly, or, from 1 on, number of steps.
        warmup_start: the rate at the first step of the warm-up.
        schedule: what follows: `"cosine"`, which falls to zero at the end, `"step"`, or
            `"exponential"`.
        drops: of `"step"`: pairs of a number of epochs before the end and the factor of the peak
            with which the rate goes on from there.
        exponential: of `"exponential"`: pair of a factor and of the number of epochs, from the
            first on, after each of which the rate is multiplied by it.
        weight_decay: of kernels alone; biases, normalisation and fusion weights are not decayed.
        decay: `"decoupled"` from the gradient (arXiv:1711.05101), or `"l2"`: half the squared norm
            as a part of the loss, as the public detection code has it. The loss that is reported
            leaves it out.
        clip_norm: largest norm of the whole gradient, summed over all replicas; None for no limit.
        accumulate: number of steps whose gradients make one update: their mean is clipped and
            applied after the last of them. The update is that of a batch as many times as large,
            but for what a model takes from each batch alone, such as batch normalisation and the
            normaliser of RetinaNet's loss. Steps, warm-up and schedule count batches all the same.
            What is left over at the end of a run is not applied.
        ema: momentum of the moving averages of the weights, such as 0.999, which are then what is
            measured, kept for use and predicted with; None for the weights themselves. See
            `optimizers.MovingAverages`.
    """

    model_config = VALUE

    optimizer: Literal["adamw", "sgd", "rmsprop"] = "adamw"
    momentum: _Share = 0.9
    nesterov: bool = True
    learning_rate: _Positive | None = 0.02
    learning_rate_batch: Annotated[int, pydantic.Field(ge=1)] | None = None
    warmup: Annotated[float, pydantic.Field(ge=0)] = 0.1
    warmup_start: Annotated[float, pydantic.Field(ge=0)] = 0.0
    schedule: Literal["cosine", "step", "exponential"] = "cosine"
    drops: tuple[tuple[_Positive, _Positive], ...] = ((30, 0.1), (10, 0.01))
    exponential: tuple[_Share, _Positive] = (0.97, 2.4)
    weight_decay: Annotated[float, pydantic.Field(ge=0)] = 1e-4
    decay: Literal["decoupled", "l2"] = "decoupled"
    clip_norm: _Positive | None = 10.0
    accumulate: Annotated[int, pydantic.Field(ge=1)] = 1
    ema: _Share | None = None

    @pydantic.model_validator(mode="after")
    def _fits_together(self):
        if self.decay == "l2" and self.optimizer == "adamw":
            raise ValueError("decay 'l2' belongs to 'sgd' and 'rmsprop'; adamw's is decoupled")
        if self.warmup >= 1 and self.warmup != int(self.warmup):
            raise ValueError("warmup is a share below 1 or a whole number of steps")
        if list(self.drops) != sorted(self.drops, reverse=True):
            raise ValueError("drops come in order: the one furthest from the end first")
        return self
