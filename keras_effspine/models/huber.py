"""Keras' Huber loss, which forgets its delta when it is saved."""

import keras


@keras.saving.register_keras_serializable(package="keras_effspine")
class Huber(keras.losses.Huber):
    """Huber loss whose `delta` survives a file.

    Args:
        delta: difference at which the loss turns from square to linear.
        **kwargs: other arguments of `keras.losses.Huber`.
    """

    def __init__(self, delta=1.0, **kwargs):
        super().__init__(delta=delta, **kwargs)
        self.delta = delta

    def get_config(self):
        return {**super().get_config(), "delta": self.delta}
