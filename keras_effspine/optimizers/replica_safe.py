"""Keras' optimizers with updates that do not depend on the number of replicas."""

import keras

from keras_effspine.layers.replicas import has_replicas

NOT_DECAYED = ("bias", "gamma", "beta", "fusion_weights")
"""Weights that are not decayed, by their names."""


class _ReplicaSafe:
    """Clips the gradient that is summed over all replicas, and lets kernels alone decay.

    Keras clips each replica's own gradient before it sums them, so that the update would depend on
    the number of replicas. It also forgets what must not decay when an optimizer is saved.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.exclude_from_weight_decay(var_names=list(NOT_DECAYED))

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


@keras.saving.register_keras_serializable(package="keras_effspine")
class SGD(_ReplicaSafe, keras.optimizers.SGD):
    """SGD that clips the gradient summed over all replicas and decays kernels alone, also as L2.

    Args:
        l2: factor of `sum(kernel ** 2) / 2` as a part of the loss. Its gradient is added here, once
            for all replicas; a term of the loss would be added on each. It is not clipped, and the
            loss that is reported leaves it out.
        **kwargs: arguments of `keras.optimizers.SGD`; `weight_decay` is decoupled.
    """

    def __init__(self, *args, l2=0.0, **kwargs):
        super().__init__(*args, **kwargs)
        self.l2 = l2

    def update_step(self, gradient, variable, learning_rate):
        if self.l2 and self._use_weight_decay(variable):
            gradient = gradient + self.l2 * keras.ops.cast(variable, gradient.dtype)
        super().update_step(gradient, variable, learning_rate)

    def get_config(self):
        return {**super().get_config(), "l2": self.l2}
