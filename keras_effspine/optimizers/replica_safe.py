"""Keras' optimizers with updates that do not depend on the number of replicas."""

from typing import Any

import keras

from keras_effspine.layers.replicas import has_replicas
from keras_effspine.optimizers.moving_averages import MovingAverages

NOT_DECAYED = ("bias", "gamma", "beta", "gate", "fusion_weights")
"""Weights that are not decayed, by their names."""

_Optimizer: Any = object
"""What a type checker takes for the optimizer that the mixins below are mixed with."""


class _ReplicaSafe(_Optimizer):
    """Clips the gradient that is summed over all replicas, and lets kernels alone decay.

    Keras clips each replica's own gradient before it sums them, so that the update would depend on
    the number of replicas. It also forgets what must not decay when an optimizer is saved, and its
    accumulation of gradients (`gradient_accumulation_steps`) cannot be traced under
    MirroredStrategy.

    `averages` may be set to a `MovingAverages`, which each update then brings up to date.
    """

    averages: MovingAverages | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.exclude_from_weight_decay(var_names=list(NOT_DECAYED))

    def _backend_apply_gradients(self, grads, trainable_variables):
        if self.gradient_accumulation_steps and keras.backend.backend() == "tensorflow":
            self._accumulate_and_apply(grads, trainable_variables)
        else:
            super()._backend_apply_gradients(grads, trainable_variables)

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        super()._backend_update_step(grads, trainable_variables, learning_rate)
        self._update_averages()

    def _update_averages(self):
        if self.averages is not None:
            self.averages.update(self.iterations)

    def _accumulate_and_apply(self, grads, trainable_variables):
        """Sums gradients over replicas and steps, and updates the weights after the last of them.

        Replicas cannot be merged within a condition, as Keras does it: here the condition stands
        where they are merged already.
        """
        import tensorflow as tf

        strategy = tf.distribute.get_strategy()
        merge = tf.__internal__.distribute.interim.maybe_merge_call
        variables = [getattr(variable, "value", variable) for variable in trainable_variables]
        sums = [self._accumulated_gradients[self._get_variable_index(v)].value for v in variables]
        summed = super()._all_reduce_sum_gradients(zip(grads, variables, strict=True))

        def change(distribution, values, assign):
            for total, value in zip(sums, values, strict=True):
                distribution.extended.update(total, assign, args=(value,), group=False)

        def add(distribution, values):
            change(distribution, values, lambda total, value: total.assign_add(value))

        def reset(distribution, values):
            change(distribution, values, lambda total, value: total.assign(value))

        def update():
            means = [total / self.gradient_accumulation_steps for total in sums]
            clipped = super(_ReplicaSafe, self)._clip_gradients(means)
            self._apply_weight_decay(trainable_variables)
            pairs = list(zip(clipped, variables, strict=True))
            merge(self._distributed_tf_update_step, strategy, pairs, self.learning_rate)
            self._update_averages()
            merge(reset, strategy, [tf.zeros_like(total) for total in sums])

        def accumulate(distribution, gradients):
            add(distribution, gradients)
            is_last = (self._iterations + 1) % self.gradient_accumulation_steps == 0
            # Without a strategy there is nothing to merge.
            is_merged = tf.distribute.in_cross_replica_context()
            each = distribution.extended.call_for_each_replica if is_merged else lambda fn: fn()
            tf.cond(is_last, lambda: each(update), lambda: None)

        merge(accumulate, strategy, [gradient for gradient, _ in summed])

    def _clip_gradients(self, grads):
        return grads if has_replicas() else super()._clip_gradients(grads)

    def _all_reduce_sum_gradients(self, grads_and_vars):
        reduced = super()._all_reduce_sum_gradients(grads_and_vars)
        if not has_replicas():
            return reduced
        clipped = super()._clip_gradients([gradient for gradient, _ in reduced])
        return [(g, variable) for g, (_, variable) in zip(clipped, reduced, strict=True)]


@keras.saving.register_keras_serializable(package="keras_effspine")
class AdamW(_ReplicaSafe, keras.optimizers.AdamW):
    """AdamW that clips the gradient summed over all replicas and decays kernels alone.

    Takes the arguments of `keras.optimizers.AdamW`.
    """


class _WithL2(_ReplicaSafe):
    """Adds the gradient of an L2 term once for all replicas."""

    def __init__(self, *args: Any, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.l2 = l2

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        if self.l2 and self._use_weight_decay(variable):
            gradient = gradient + self.l2 * keras.ops.cast(variable, gradient.dtype)
        super().update_step(gradient, variable, learning_rate)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "l2": self.l2}


@keras.saving.register_keras_serializable(package="keras_effspine")
class SGD(_WithL2, keras.optimizers.SGD):
    """SGD that clips the gradient summed over all replicas and decays kernels alone, also as L2.

    Args:
        l2: factor of `sum(kernel ** 2) / 2` as a part of the loss. Its gradient is added here, once
            for all replicas; a term of the loss would be added on each. It is not clipped, and the
            loss that is reported leaves it out.
        **kwargs: arguments of `keras.optimizers.SGD`; `weight_decay` is decoupled.
    """


@keras.saving.register_keras_serializable(package="keras_effspine")
class RMSprop(_WithL2, keras.optimizers.RMSprop):
    """RMSprop that clips the gradient summed over all replicas and decays kernels alone, as `SGD`.

    Args:
        l2: as in `SGD`.
        **kwargs: arguments of `keras.optimizers.RMSprop`; `weight_decay` is decoupled.
    """
