"""Keras' loss scaling, with a count of all steps."""

import keras


@keras.saving.register_keras_serializable(package="keras_effspine")
class LossScaleOptimizer(keras.optimizers.LossScaleOptimizer):
    """Keras' loss scaling for float16, which also counts the steps that it leaves out.

    `iterations` are the steps in which no gradient overflowed; a run must know all of them, to go
    on at its place in the data. Takes the arguments of `keras.optimizers.LossScaleOptimizer`.
    """

    def apply(self, grads, trainable_variables=None):
        super().apply(grads, trainable_variables)
        self._iterations.assign_add(1)
