"""A task's model as it is needed to predict, and no more."""

from collections.abc import Callable
from typing import Any

import keras

from keras_effspine.networks.inference_graph import inference_graph


class InferenceModel(keras.Model):
    """A model with folded weights that predicts what the one predicts that it is made of.

    Made by `TaskModel.fuse_for_inference`. It computes in fewer operations, and does not learn.

    Args:
        inputs, outputs, **kwargs: as in `keras.Model`.
        finish: function from outputs and images to predictions.
    """

    def __init__(self, inputs: Any, outputs: Any, finish: Callable, **kwargs: Any) -> None:
        super().__init__(inputs, outputs, **kwargs)
        self.finish_predictions = finish
        self.trainable = False
        # A model that is not compiled would be traced with XLA on a GPU.
        self.jit_compile = False

    def predict_step(self, *args: Any) -> Any:
        return finished_step(self, *args)


def finished_step(model: Any, *args: Any) -> Any:
    """A prediction step whose outputs `model.finish_predictions` is given, with the images."""
    images, _, _ = keras.utils.unpack_x_y_sample_weight(args[-1])
    if isinstance(images, dict):
        images = images["images"]
    outputs = keras.Model.predict_step(model, *args[:-1], (images,))
    if isinstance(outputs, tuple):  # Keras on JAX returns the state as well
        return model.finish_predictions(outputs[0], images), outputs[1]
    return model.finish_predictions(outputs, images)


def fused_for_inference(
    model: keras.Model,
    finish: Callable,
    image_shape: tuple[int | None, ...] | None = None,
    batch_size: int | None = None,
) -> InferenceModel:
    """An `InferenceModel` of a functional model; see `networks.inference_graph`.

    Args:
        model: functional `keras.Model` on images.
        finish: as in `InferenceModel`.
        image_shape: `(height, width, channels)` to fix them; None takes the model's own.
        batch_size: to fix it, or None.
    """
    images = model.inputs[0]
    inputs = keras.Input(
        tuple(image_shape or images.shape[1:]),
        batch_size=batch_size,
        dtype=images.dtype,
        name="images",
    )
    outputs = inference_graph(model, inputs)
    return InferenceModel(inputs, outputs, finish, name=f"{model.name}_inference")
