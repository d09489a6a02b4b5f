"""Object detection with RetinaNet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from keras_effspine.analysis.detection_findings import detection_findings, grade_detections
from keras_effspine.analysis.finding import Finding, Grade
from keras_effspine.drawing.places import best_of_each_place
from keras_effspine.drawing.zoom import draw_enlarged
from keras_effspine.errors import DataError, RecipeError
from keras_effspine.evaluation.coco_detection import Boxes, CocoDetectionEvaluator
from keras_effspine.evaluation.detection_result import DetectionResult
from keras_effspine.evaluation.mirrored_boxes import fuse_mirrored
from keras_effspine.evaluation.tiled_boxes import merge_boxes
from keras_effspine.results.boxes_in_picture import boxes_in_picture
from keras_effspine.results.detections import Detections
from keras_effspine.stream.augmentation import Share
from keras_effspine.tasks.class_balance import BalanceOptions, class_weights_of
from keras_effspine.tasks.data_anchors import Anchors, fit_anchors
from keras_effspine.tasks.exported_outputs import ExportedOutputs
from keras_effspine.tasks.task import Task

if TYPE_CHECKING:
    import keras

    from keras_effspine.data.record import Record, RecordSet
    from keras_effspine.pretrained.pretrained import Pretrained
    from keras_effspine.results.picture import Picture


class DetectionOptions(BalanceOptions):
    """Detection's own values of a recipe, beside those of `BalanceOptions`.

    Args:
        losses: `"keras_cv"`, the defaults of keras-cv's RetinaNet, or `"paper"`, those of the
            public detection code.
        box_loss: `"giou"`, the generalised IoU, in the place of the box loss of `losses`.
        score_loss: `"quality"`, the quality focal loss, in the place of the focal loss of `losses`:
            scores then say how well the box fits, too.
        anchors: `{"size": 3, "ratios": [0.5, 1, 2]}`, or `"data"`, which picks those that fit the
            boxes of the training pictures, see `tasks.data_anchors`; None for those that the
            weights were trained with, or the published ones.
        mosaic: share of the samples that are made of four pictures side by side.
        mosaic_until: share of the run after which no sample is made of four pictures any more.
    """

    losses: Literal["keras_cv", "paper"] = "keras_cv"
    box_loss: Literal["giou"] | None = None
    score_loss: Literal["quality"] | None = None
    anchors: Anchors | Literal["data"] | None = None
    mosaic: Share = 0.0
    mosaic_until: Share = 1.0


class Detection(Task):
    """Boxes, their classes and their scores."""

    options = DetectionOptions
    published = "retinanet"

    def check(self, record_set: RecordSet) -> None:
        if all(record.is_crowd.all() for record in record_set.records):
            raise DataError(
                f"{record_set.source}: no picture has a box to learn from. Name another task with "
                "--task, or data with boxes."
            )

    def build_model(
        self, recipe: Any, class_names: tuple[str, ...], start: Pretrained
    ) -> keras.Model:
        from keras_effspine.models.retinanet import RetinaNet
        from keras_effspine.tasks.backbone import build_backbone

        # Anchors, matching and depth of the subnets are those that the weights were trained with.
        config = start.arguments_of(RetinaNet)
        kept = {name: config[name] for name in _KEPT if name in config}
        anchors = cast(DetectionOptions, recipe.options).anchors
        if anchors is not None and kept.get("predictor", "retinanet") != "retinanet":
            raise RecipeError(
                f"anchors: {recipe.preset} has levels and anchors of its own; leave it out."
            )
        if isinstance(anchors, Anchors):
            kept.pop("label_encoder", None)
            kept["anchor_generator"] = RetinaNet.default_anchor_generator(
                "xyxy", anchors.size, anchors.ratios
            )
        return RetinaNet.from_config(
            {
                **kept,
                "backbone": build_backbone(recipe, start),
                "num_classes": len(class_names),
                "bounding_box_format": "xyxy",
            }
        )

    def pick_options(self, recipe: Any, records: RecordSet) -> tuple[dict[str, Any], list[str]]:
        picked, said = super().pick_options(recipe, records)
        if cast(DetectionOptions, recipe.options).anchors != "data":
            return picked, said
        anchors, fit, published = fit_anchors(records, recipe.image_size)
        ratios = ", ".join(f"{ratio:g}" for ratio in anchors.ratios)
        return {**picked, "anchors": anchors.model_dump()}, [
            *said,
            f"anchors of {anchors.size:g} strides, width over height {ratios}: the mean overlap of "
            f"a box with its best anchor is {fit:.3f} (with the published ones {published:.3f}).",
        ]

    def compile_model(
        self, model: keras.Model, recipe: Any, optimizer: keras.optimizers.Optimizer
    ) -> None:
        options = cast(DetectionOptions, recipe.options)
        losses = detection_losses(options.losses, options.box_loss, options.score_loss)
        weights = class_weights_of(options)
        model.compile(optimizer=optimizer, class_weights=weights, **losses)

    def batch_fields(self, record_set: RecordSet, images_a_sample: int = 1) -> Callable:
        import tensorflow as tf

        from keras_effspine.stream.pipeline import most_objects

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

    def exported(
        self, model: keras.Model, fused: Any, decode: bool, has_kernel: bool
    ) -> ExportedOutputs:
        from keras_effspine.tasks.exported_detector import (
            decoded_detector,
            detector_with_kernel,
            raw_detector,
        )

        if not decode:
            return raw_detector(model, fused)
        return (detector_with_kernel if has_kernel else decoded_detector)(model, fused)

    def outputs(
        self, predictions: dict[str, np.ndarray], scales: np.ndarray, records: Sequence[Record]
    ) -> list[Boxes]:
        outputs = []
        for row, record in enumerate(records):
            size = (record.width, record.height)
            found = boxes_in_picture(predictions, row, scales[row], *size)
            found.boxes[:, 2:] -= found.boxes[:, :2]
            outputs.append(Boxes(boxes=found.boxes, classes=found.classes, scores=found.scores))
        return outputs

    def fuse_mirrored(self, output: Boxes, mirrored: Boxes, record: Record) -> Boxes:
        return fuse_mirrored(output, mirrored, record.width)

    def merge_tiles(self, outputs: list[Boxes], windows: np.ndarray, record: Record) -> Boxes:
        return merge_boxes(outputs, windows, record.height, record.width)

    def truth(self, record: Record) -> Boxes:
        return Boxes(boxes=record.boxes, classes=record.classes, is_crowd=record.is_crowd)

    def evaluator(self, record_set: RecordSet) -> CocoDetectionEvaluator:
        return CocoDetectionEvaluator(record_set)

    def look_closer(
        self,
        result: DetectionResult,
        record_set: RecordSet,
        pairs: Iterable[tuple[Record, Boxes]],
        shown: Callable[[Boxes], Boxes],
    ) -> list[Finding]:
        return detection_findings(result, record_set, pairs, shown)

    def grade(self, record: Record, output: Boxes, class_names: tuple[str, ...]) -> Grade:
        return grade_detections(record, output)

    def reaching(self, output: Boxes, scores: np.ndarray) -> Boxes:
        assert output.scores is not None  # a prediction has them
        return output.those(np.flatnonzero(output.scores >= scores[output.classes]))

    def result(
        self, output: Boxes, picture: Picture, class_names: tuple[str, ...] | None
    ) -> Detections:
        assert output.scores is not None  # a prediction has them
        return Detections.of_xywh(picture, class_names, output.boxes, output.scores, output.classes)

    def best_guesses(self, output: Boxes) -> Boxes:
        """As in `Task`: of boxes at one place, whatever their classes, the best."""
        assert output.scores is not None  # a prediction has them
        return output.those(best_of_each_place(output.boxes, output.scores))

    def draw(
        self, image: np.ndarray, output: Boxes, class_names: tuple[str, ...], min_score: float = 0.0
    ) -> np.ndarray:
        shown = slice(None) if output.scores is None else output.scores >= min_score
        return draw_enlarged(
            image,
            output.boxes[shown],
            output.classes[shown],
            class_names,
            scores=None if output.scores is None else output.scores[shown],
            is_crowd=output.is_crowd,
        )


_KEPT = (
    *("label_encoder", "head_layers", "head_width", "separable_heads"),
    *("shared_subnet", "predictor"),
)
"""What a detector takes over from the detector that it starts from, beside the weights, or from
what its backbone's preset says of detectors."""


_GIOU_WEIGHT = 2.0
"""Of the generalised IoU beside the class loss, as in public RetinaNet code that has it."""


def detection_losses(
    name: str, box_loss: str | None = None, score_loss: str | None = None
) -> dict[str, Any]:
    """Arguments of `RetinaNet.compile`, for these values of `DetectionOptions`."""
    import keras_cv

    from keras_effspine.layers.boxes import VARIANCES
    from keras_effspine.models.giou_loss import GIoULoss
    from keras_effspine.models.huber import Huber
    from keras_effspine.models.quality_focal_loss import QualityFocalLoss

    losses: dict[str, Any] = {"classification_loss": "focal", "box_loss": "smoothl1"}
    weights = {}
    if name == "paper":
        # Public detection code: focal loss of gamma 1.5, Huber loss of delta 0.1 with weight 50.
        # Its box targets are not divided by variances.
        losses = {
            "classification_loss": keras_cv.losses.FocalLoss(
                alpha=0.25, gamma=1.5, from_logits=True, reduction="sum"
            ),
            "box_loss": Huber(delta=0.1, scale=VARIANCES, reduction="sum"),
        }
        weights = {"box": 50.0, "classification": 1.0}
    if box_loss == "giou":
        losses["box_loss"] = GIoULoss(reduction="sum")
        weights = {"box": _GIOU_WEIGHT, "classification": 1.0}
    if score_loss == "quality":
        losses["classification_loss"] = QualityFocalLoss(reduction="sum")
    return {**losses, **({"loss_weights": weights} if weights else {})}
