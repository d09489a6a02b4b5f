"""Dropout that differs from replica to replica."""

from typing import Any

import keras

from keras_effspine.layers.replicas import ReplicaSeedGenerator


@keras.saving.register_keras_serializable(package="keras_effspine")
class Dropout(keras.layers.Layer):
    """Sets features to zero at random and scales the kept ones; in training alone.

    Keras' own layer drops the same features on all replicas.

    Args:
        rate: probability of dropping, in [0, 1).
        seed: integer seed; None draws one.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: tensor of any shape.
        training: without training it passes unchanged.
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate = rate
        self.seed = seed
        self.seed_generator = ReplicaSeedGenerator(seed)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        if not training or self.rate == 0:
            return inputs
        return keras.random.dropout(inputs, self.rate, seed=self.seed_generator)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}
