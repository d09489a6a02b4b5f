"""Detections made on the host, where the accelerator's program cannot make them."""

import contextlib

import keras
import numpy as np
import tensorflow as tf
from keras import ops

_IMAGE_SIZE = "image_size"
"""What the step passes on beside the model's outputs: `(batch, 2)`, height and width."""


class HostDecoding:
    """Makes `predict` end with detections, which `decode_predictions` makes of the outputs.

    Non-maximum suppression per class is TensorFlow's CombinedNonMaxSuppression, which has no kernel
    for TPUs and does not exist on other backends. There the prediction step ends with the model's
    outputs, and detections are made from them batch by batch, outside of the compiled step.
    """

    @property
    def decodes_on_host(self):
        """Whether the prediction step must leave decoding to the host."""
        if keras.backend.backend() != "tensorflow":
            return True
        return isinstance(self.distribute_strategy, tf.distribute.TPUStrategy)

    def predict_step(self, *args):
        images, _, _ = keras.utils.unpack_x_y_sample_weight(args[-1])
        if isinstance(images, dict):
            images = images["images"]
        outputs = keras.Model.predict_step(self, *args[:-1], images)
        decode = _with_image_size if self.decodes_on_host else self.decode_predictions
        if isinstance(outputs, tuple):  # Keras on JAX returns the state as well
            return decode(outputs[0], images), outputs[1]
        return decode(outputs, images)

    def make_predict_function(self, force=False):
        if self.predict_function is not None and not force:
            return self.predict_function
        super().make_predict_function(force)
        step = self.predict_function
        if not self.decodes_on_host:
            return step

        def step_and_decode(*args):
            outputs = step(*args)
            if isinstance(outputs, tuple):
                return _decode_on_host(self, outputs[0]), outputs[1]
            return _decode_on_host(self, outputs)

        self.predict_function = step_and_decode
        return step_and_decode


def _with_image_size(outputs, images):
    """The model's outputs with the size of the pictures, which decoding asks for."""
    count, height, width, _ = ops.shape(images)
    size = ops.stack([ops.full((count,), n, "int32") for n in (height, width)], axis=1)
    return {**outputs, _IMAGE_SIZE: size}


def _decode_on_host(model, outputs):
    """Detections from what a prediction step made with `_with_image_size`, on the CPU."""
    outputs = {name: ops.convert_to_numpy(value) for name, value in outputs.items()}
    height, width = outputs.pop(_IMAGE_SIZE)[0]
    images = np.broadcast_to(np.float32(0), (len(outputs["box"]), height, width, 3))
    on_tensorflow = keras.backend.backend() == "tensorflow"
    with tf.device("CPU:0") if on_tensorflow else contextlib.nullcontext():
        return model.decode_predictions(outputs, images)
