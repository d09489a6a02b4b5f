"""Keras' loss scaling, with a count of all steps, on any number of replicas."""

from typing import Any

import keras
from keras import ops

from keras_effspine.layers.replicas import sum_over_replicas


@keras.saving.register_keras_serializable(package="keras_effspine")
class LossScaleOptimizer(keras.optimizers.LossScaleOptimizer):
    """Keras' loss scaling for float16, which also counts the steps that it leaves out.

    A gradient that overflows on one replica leaves the step out on all: Keras asks the first alone.

    `iterations` are the steps in which no gradient overflowed; a run must know all of them, to go
    on at its place in the data. Takes the arguments of `keras.optimizers.LossScaleOptimizer`.
    """

    def apply(self, grads: list, trainable_variables: list | None = None) -> None:
        super().apply(grads, trainable_variables)
        self._iterations.assign_add(1)

    def check_finite(self, grads: list) -> Any:
        overflows = ops.logical_not(super().check_finite(grads))
        return sum_over_replicas(ops.cast(overflows, "float32")) == 0
