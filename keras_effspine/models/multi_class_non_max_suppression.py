"""Non-maximum suppression per class."""

import keras
import keras_cv
import tensorflow as tf
from keras import ops
from keras_cv import bounding_box


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
