"""Object detection with RetinaNet."""

import dataclasses

import keras_cv
import numpy as np
import tensorflow as tf

from keras_effspine.drawing.zoom import draw_enlarged
from keras_effspine.errors import DataError
from keras_effspine.evaluation.coco_detection import CocoDetectionEvaluator
from keras_effspine.evaluation.detection_result import DetectionResult
from keras_effspine.evaluation.report import class_table, stats_table
from keras_effspine.layers.boxes import VARIANCES
from keras_effspine.models.huber import Huber
from keras_effspine.models.retinanet import RetinaNet
from keras_effspine.stream.pipeline import most_objects
from keras_effspine.tasks.backbone import build_backbone
from keras_effspine.tasks.task import Task


@dataclasses.dataclass(frozen=True, eq=False)
class Boxes:
    """Detection's output for one picture: objects predicted, or annotated.

    Args:
        boxes: float `(n, 4)`, `xywh` in the picture's pixels.
        classes: int `(n,)`, class indices.
        scores: float `(n,)`, or None for annotations.
        is_crowd: bool `(n,)`, or None for predictions.
    """

    boxes: np.ndarray
    classes: np.ndarray
    scores: np.ndarray | None = None
    is_crowd: np.ndarray | None = None


class Detection(Task):
    """Boxes, their classes and their scores."""

    values = ("losses", "augmentation.mosaic")

    def check(self, record_set):
        if all(record.is_crowd.all() for record in record_set.records):
            raise DataError(
                f"{record_set.source}: no picture has a box to learn from. Name another task with "
                "--task, or data with boxes."
            )

    def build_model(self, recipe, class_names, start):
        # Anchors, matching and depth of the subnets are those that the weights were trained with.
        config = start.arguments_of(RetinaNet)
        return RetinaNet.from_config(
            {
                **{name: config[name] for name in _KEPT if name in config},
                "backbone": build_backbone(recipe, start),
                "num_classes": len(class_names),
                "bounding_box_format": "xyxy",
            }
        )

    def compile_model(self, model, recipe, optimizer):
        model.compile(optimizer=optimizer, **_LOSSES[recipe.losses]())

    def batch_fields(self, record_set, images_a_sample=1):
        count = most_objects(record_set) * images_a_sample

        def fields(sample):
            missing = count - tf.shape(sample["classes"])[0]
            boxes = tf.pad(sample["boxes"], [[0, missing], [0, 0]], constant_values=-1.0)
            classes = tf.pad(sample["classes"], [[0, missing]], constant_values=-1)
            return {
                "boxes": tf.ensure_shape(boxes, [count, 4]),
                "classes": tf.cast(tf.ensure_shape(classes, [count]), "float32"),
            }

        return fields

    def outputs(self, predictions, scales, records):
        outputs = []
        for row, record in enumerate(records):
            count = int(predictions["num_detections"][row])
            limit = np.array([record.width, record.height] * 2, "float64")
            boxes = predictions["boxes"][row, :count].astype("float64")
            boxes = np.clip(boxes / np.tile(scales[row][::-1], 2), 0.0, limit)
            boxes[:, 2:] -= boxes[:, :2]
            outputs.append(
                Boxes(
                    boxes=boxes,
                    classes=predictions["classes"][row, :count].astype("int64"),
                    scores=predictions["confidence"][row, :count].astype("float64"),
                )
            )
        return outputs

    def truth(self, record):
        return Boxes(boxes=record.boxes, classes=record.classes, is_crowd=record.is_crowd)

    def evaluator(self, record_set):
        return _Evaluator(record_set)

    def draw(self, image, output, class_names, min_score=0.0):
        shown = slice(None) if output.scores is None else output.scores >= min_score
        return draw_enlarged(
            image,
            output.boxes[shown],
            output.classes[shown],
            class_names,
            scores=None if output.scores is None else output.scores[shown],
            is_crowd=output.is_crowd,
        )


_KEPT = ("label_encoder", "head_layers")
"""What a detector takes over from the detector that it starts from, beside the weights."""

_LOSSES = {
    "keras_cv": lambda: {"classification_loss": "focal", "box_loss": "smoothl1"},
    # Public detection code: focal loss of gamma 1.5, Huber loss of delta 0.1 with weight 50. Its
    # box targets are not divided by variances.
    "paper": lambda: {
        "classification_loss": keras_cv.losses.FocalLoss(
            alpha=0.25, gamma=1.5, from_logits=True, reduction="sum"
        ),
        "box_loss": Huber(delta=0.1, scale=VARIANCES, reduction="sum"),
        "loss_weights": {"box": 50.0, "classification": 1.0},
    },
}


class _Evaluator:
    def __init__(self, record_set):
        self._evaluator = CocoDetectionEvaluator(record_set)

    def add(self, record, output):
        self._evaluator.add(record.image_id, output.boxes, output.scores, output.classes)

    def predictions(self):
        return self._evaluator.detections()

    def result(self):
        return _Result(self._evaluator.result())


@dataclasses.dataclass(frozen=True)
class _Result:
    detection: DetectionResult

    @property
    def metrics(self):
        return self.detection.stats

    def tables(self):
        return [stats_table(self.detection), class_table(self.detection)]

    def as_json(self):
        return self.detection.as_json()
