"""Detections made on the host, where the accelerator's program cannot make them.

Non-maximum suppression per class is TensorFlow's CombinedNonMaxSuppression, which has no kernel for
TPUs and does not exist on other backends. There the prediction step ends with the model's outputs,
and detections are made from them batch by batch, outside of the compiled step.
"""

import contextlib

import keras
import keras_cv
import numpy as np
import tensorflow as tf
from keras import ops
from keras_cv import bounding_box

IMAGE_SIZE = "image_size"
"""What the step passes on beside the model's outputs: `(batch, 2)`, height and width."""


def decodes_on_host(model):
    """Whether the model's prediction step must leave decoding to the host."""
    if keras.backend.backend() != "tensorflow":
        return True
    return isinstance(model.distribute_strategy, tf.distribute.TPUStrategy)


def with_image_size(outputs, images):
    """The model's outputs with the size of the pictures, which decoding asks for."""
    pictures, height, width, _ = ops.shape(images)
    size = ops.stack([ops.full((pictures,), n, "int32") for n in (height, width)], axis=1)
    return {**outputs, IMAGE_SIZE: size}


def decode_on_host(model, outputs):
    """Detections from what a prediction step made with `with_image_size`, on the CPU."""
    outputs = {name: ops.convert_to_numpy(value) for name, value in outputs.items()}
    height, width = outputs.pop(IMAGE_SIZE)[0]
    images = np.broadcast_to(np.float32(0), (len(outputs["box"]), height, width, 3))
    on_tensorflow = keras.backend.backend() == "tensorflow"
    with tf.device("CPU:0") if on_tensorflow else contextlib.nullcontext():
        return model.decode_predictions(outputs, images)


@keras.saving.register_keras_serializable(package="keras_effspine")
class MultiClassNonMaxSuppression(keras_cv.layers.MultiClassNonMaxSuppression):
    """keras-cv's suppression per class, on every backend.

    On other backends than TensorFlow it runs TensorFlow's kernel on the host, outside of compiled
    functions. Arguments and results are those of `keras_cv.layers.MultiClassNonMaxSuppression`.
    """

    def call(self, box_prediction, class_prediction, images=None, image_shape=None):
        if keras.backend.backend() == "tensorflow":
            return super().call(
                box_prediction, class_prediction, images=images, image_shape=image_shape
            )
        own, target = self.bounding_box_format, "yxyx"
        if bounding_box.is_relative(own):
            target = bounding_box.as_relative(target)
        size = {"images": images, "image_shape": image_shape}
        boxes = bounding_box.convert_format(box_prediction, source=own, target=target, **size)
        scores = ops.sigmoid(class_prediction) if self.from_logits else class_prediction
        found = tf.image.combined_non_max_suppression(
            boxes=ops.convert_to_numpy(boxes)[:, :, None],
            scores=ops.convert_to_numpy(scores),
            max_output_size_per_class=self.max_detections_per_class,
            max_total_size=self.max_detections,
            score_threshold=self.confidence_threshold,
            iou_threshold=self.iou_threshold,
            clip_boxes=False,
        )
        boxes, confidence, classes, count = (ops.convert_to_tensor(x.numpy()) for x in found)
        return bounding_box.mask_invalid_detections(
            {
                "boxes": bounding_box.convert_format(boxes, source=target, target=own, **size),
                "confidence": confidence,
                "classes": classes,
                "num_detections": count,
            }
        )
