"""From the second stage's predictions to detections."""

from typing import Any

import keras
from keras import ops

from keras_effspine.layers.boxes import clip_boxes, decode_boxes
from keras_effspine.layers.non_max_suppression import non_max_suppression
from keras_effspine.layers.region_layer import RegionLayer


@keras.saving.register_keras_serializable(package="keras_effspine")
class RegionDetections(RegionLayer):
    """The detections of each image, of every class those that no better one of it overlaps.

    Args:
        score_threshold: score above which a region is a candidate.
        iou_threshold: intersection over union above which the lesser detection goes.
        max_detections: detections of an image.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        regions: `(batch, regions, 4)`, yxyx in pixels; one without area is none.
        classification: logits `(batch, regions, 1 + classes)`, the background first.
        deltas: `(batch, regions, (1 + classes) * 4)`, class by class.
        images: `(batch, height, width, channels)`, read for their static size.

    Returns:
        As `non_max_suppression`: `"boxes"` are yxyx in pixels, `"classes"` begin at 0 without the
        background.
    """

    def __init__(
        self,
        score_threshold: float = 0.05,
        iou_threshold: float = 0.5,
        max_detections: int = 100,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.score_threshold = score_threshold
        self.iou_threshold = iou_threshold
        self.max_detections = max_detections

    def call(self, regions: Any, classification: Any, deltas: Any, images: Any) -> dict[str, Any]:
        count, classes = classification.shape[1:]
        scores = ops.softmax(classification, axis=-1)[..., 1:]
        usable = ops.all(regions[..., 2:] > regions[..., :2], axis=-1, keepdims=True)
        deltas = ops.reshape(deltas, (-1, count, classes, 4))[:, :, 1:]
        boxes = clip_boxes(decode_boxes(deltas, regions[:, :, None]), images.shape[1:3])
        return non_max_suppression(
            boxes,
            ops.where(usable, scores, 0.0),
            iou_threshold=self.iou_threshold,
            max_detections=self.max_detections,
            score_threshold=self.score_threshold,
        )

    def compute_output_spec(self, regions: Any, *args: Any) -> dict[str, Any]:
        shape = (regions.shape[0], self.max_detections)
        return {
            "boxes": keras.KerasTensor((*shape, 4), "float32"),
            "confidence": keras.KerasTensor(shape, "float32"),
            "classes": keras.KerasTensor(shape, "float32"),
            "num_detections": keras.KerasTensor(shape[:1], "int32"),
        }

    def get_config(self) -> dict[str, Any]:
        names = ("score_threshold", "iou_threshold", "max_detections")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
