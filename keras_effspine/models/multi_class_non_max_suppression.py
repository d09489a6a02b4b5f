"""Non-maximum suppression per class, as a detector's layer."""

import math
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_effspine.layers.boxes import convert_boxes
from keras_effspine.layers.non_max_suppression import non_max_suppression
from keras_effspine.layers.take_rows import take_rows


@keras.saving.register_keras_serializable(package="keras_effspine")
class MultiClassNonMaxSuppression(keras.layers.Layer):
    """Suppression per class with the arguments and results of keras-cv's layer of this name.

    Unlike that layer it runs on every backend, under XLA and on TPUs, and gives the same.

    Args:
        bounding_box_format: keras-cv format of the boxes.
        from_logits: whether classes are predicted as logits, rather than as scores.
        iou_threshold: intersection over union above which the lesser box of a class goes.
        confidence_threshold: score above which a box is a candidate.
        max_detections: detections of an image.
        max_detections_per_class: detections of one class in an image.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        box_prediction: `(batch, boxes, 4)` in `bounding_box_format`.
        class_prediction: `(batch, boxes, num_classes)`.
        images: not read.
        image_shape: not read; both are there since keras-cv's detectors pass them.

    Returns:
        Dictionary of `"boxes"` `(batch, max_detections, 4)` in `bounding_box_format`,
        `"confidence"` and `"classes"` `(batch, max_detections)`, best first and padded with -1, and
        `"num_detections"` `(batch,)`.
    """

    def __init__(
        self,
        bounding_box_format: str,
        from_logits: bool,
        iou_threshold: float = 0.5,
        confidence_threshold: float = 0.5,
        max_detections: int = 100,
        max_detections_per_class: int = 100,
        **kwargs,
    ):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.bounding_box_format = bounding_box_format
        self.from_logits = from_logits
        self.iou_threshold = iou_threshold
        self.confidence_threshold = confidence_threshold
        self.max_detections = max_detections
        self.max_detections_per_class = max_detections_per_class
        self.built = True

    def call(self, box_prediction, class_prediction, images=None, image_shape=None) -> dict:
        return self.among(lambda index: take_rows(box_prediction, index), class_prediction)

    def among(self, boxes: Callable[[Any], Any], class_prediction: Any) -> dict:
        """As the call, for boxes that are made when they are asked for, which few are.

        Args:
            boxes: function from indices `(batch, n)` of boxes to these, `(batch, n, 4)`.
            class_prediction: `(batch, boxes, num_classes)`.
        """
        own = self.bounding_box_format.lower()
        corners = "rel_yxyx" if own.startswith("rel_") else "yxyx"
        threshold = self.confidence_threshold
        found = non_max_suppression(
            lambda index: convert_boxes(boxes(index), own, corners),
            class_prediction,
            iou_threshold=self.iou_threshold,
            score_threshold=_logit(threshold) if self.from_logits else threshold,
            max_detections=self.max_detections,
            max_detections_per_class=self.max_detections_per_class,
        )
        real = found["classes"] >= 0
        boxes = convert_boxes(found["boxes"], corners, own)
        found["boxes"] = ops.where(ops.expand_dims(real, -1), boxes, -1.0)
        if self.from_logits:
            found["confidence"] = ops.where(real, ops.sigmoid(found["confidence"]), -1.0)
        return found

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "bounding_box_format": self.bounding_box_format,
            "from_logits": self.from_logits,
            "iou_threshold": self.iou_threshold,
            "confidence_threshold": self.confidence_threshold,
            "max_detections": self.max_detections,
            "max_detections_per_class": self.max_detections_per_class,
        }


def _logit(score: float) -> float:
    if not 0 < score < 1:
        return -math.inf if score <= 0 else math.inf
    return math.log(score / (1 - score))
