"""Stochastic depth (arXiv:1603.09382): residual branches left out at random in training."""

from typing import Any

import keras
from keras import ops

from keras_effspine.layers.replicas import ReplicaSeedGenerator


@keras.saving.register_keras_serializable(package="keras_effspine")
class StochasticDepth(keras.layers.Layer):
    """Drops a residual branch for a whole sample with probability `rate`; scales the kept ones.

    Args:
        rate: probability of dropping, in [0, 1).
        seed: integer seed; None draws one.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: branch output `(batch, height, width, channels)`, before it is added.
        training: without training the branch passes unchanged.

    Raises:
        ValueError: if `rate` lies outside [0, 1).
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"`rate` must lie in [0, 1). Received: rate={rate}")
        self.rate = rate
        self.seed = seed
        self.seed_generator = ReplicaSeedGenerator(seed)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        if not training or self.rate == 0:
            return inputs
        survival_probability = 1.0 - self.rate
        shape = (ops.shape(inputs)[0], 1, 1, 1)
        kept = keras.random.uniform(shape, seed=self.seed_generator) < survival_probability
        return inputs * ops.cast(kept, inputs.dtype) / survival_probability

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}
