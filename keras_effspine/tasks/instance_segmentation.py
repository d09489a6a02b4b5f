"""Instance segmentation with MaskRCNN."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import pydantic

from keras_effspine.analysis.detection_findings import detection_findings, grade_detections
from keras_effspine.analysis.finding import Finding, Grade
from keras_effspine.drawing.instance_masks import draw_instances
from keras_effspine.drawing.places import best_of_each_place
from keras_effspine.errors import DataError
from keras_effspine.evaluation.coco_detection import Boxes
from keras_effspine.evaluation.coco_instances import (
    CocoInstanceEvaluator,
    Instances,
    known_masks,
)
from keras_effspine.evaluation.instance_result import InstanceResult
from keras_effspine.evaluation.tiled_masks import merge_instances
from keras_effspine.results.boxes_in_picture import boxes_in_picture
from keras_effspine.results.detections import Detections
from keras_effspine.results.mask_pasting import paste_mask
from keras_effspine.stream.augmentation import Share
from keras_effspine.tasks.class_balance import BalanceOptions, class_weights_of
from keras_effspine.tasks.exported_outputs import ExportedOutputs
from keras_effspine.tasks.task import Task
from keras_effspine.topology.labels import COCO_CLASSES

if TYPE_CHECKING:
    import keras

    from keras_effspine.data.record import Record, RecordSet
    from keras_effspine.pretrained.pretrained import Pretrained
    from keras_effspine.results.picture import Picture


class InstanceOptions(BalanceOptions):
    """Instance segmentation's own values of a recipe, beside those of `BalanceOptions`.

    Args:
        canonical_size: side in pixels of the box whose features come from P4; see `MaskRCNN`.
        num_proposals: regions that the first stage hands to the second.
        sampled_regions: regions of a picture that the second stage learns from, masks from a
            quarter of them.
        max_detections: greatest number of objects of a picture.
        mosaic: share of the samples that are made of four pictures side by side.
    """

    canonical_size: Annotated[float, pydantic.Field(gt=0)] = 224.0
    num_proposals: Annotated[int, pydantic.Field(ge=1)] = 1000
    sampled_regions: Annotated[int, pydantic.Field(ge=4)] = 512
    max_detections: Annotated[int, pydantic.Field(ge=1)] = 100
    mosaic: Share = 0.0


class InstanceSegmentation(Task):
    """Boxes, their classes and scores, and which pixels are the objects."""

    labels = ("instances",)
    options = InstanceOptions
    published = "mask_rcnn"
    published_classes = COCO_CLASSES - 1
    """The background has the row of id 0."""

    def check(self, record_set: RecordSet) -> None:
        for record in record_set.records:
            crowds = record.is_crowd.tolist()
            if any(m is not None and not c for m, c in zip(record.masks, crowds, strict=False)):
                return
        raise DataError(
            f"{record_set.source}: no object has a mask to learn from. Instance segmentation takes "
            "COCO's JSON with polygons or run lengths, or polygons of LabelMe, VIA or YOLO; for "
            "boxes alone there is --task detection."
        )

    def is_annotated(self, record: Record) -> bool:
        return any(mask is not None for mask in record.masks)

    def inspect(
        self, record_set: RecordSet, checked: list[tuple[str | None, str | None]], image_size: int
    ) -> Any:
        from keras_effspine.inspection.mask_inspection import inspect_masks

        return inspect_masks(record_set, checked, image_size)

    def build_model(
        self, recipe: Any, class_names: tuple[str, ...], start: Pretrained
    ) -> keras.Model:
        from keras_effspine.models.mask_rcnn import MaskRCNN
        from keras_effspine.tasks.backbone import build_backbone

        # The subnets are those that the weights were trained with.
        config = start.arguments_of(MaskRCNN)
        return MaskRCNN.from_config(
            {
                **{name: config[name] for name in ("rpn_layers", "dense_width") if name in config},
                **recipe.options.model_dump(exclude={"mosaic", *BalanceOptions.model_fields}),
                "backbone": build_backbone(recipe, start),
                "num_classes": len(class_names),
                "bounding_box_format": "xyxy",
            }
        )

    def compile_model(
        self, model: keras.Model, recipe: Any, optimizer: keras.optimizers.Optimizer
    ) -> None:
        model.compile(optimizer=optimizer, class_weights=class_weights_of(recipe.options))

    def batch_fields(self, record_set: RecordSet, images_a_sample: int = 1) -> Callable:
        import tensorflow as tf

        from keras_effspine.stream.pipeline import most_objects
        from keras_effspine.tasks.detection import Detection

        count = most_objects(record_set) * images_a_sample
        of_boxes = Detection().batch_fields(record_set, images_a_sample)

        def fields(sample):
            masks = sample["masks"]
            size = masks.shape[1:]
            masks = tf.pad(masks, [[0, count - tf.shape(masks)[0]], [0, 0], [0, 0]])
            return {**of_boxes(sample), "masks": tf.ensure_shape(masks, [count, *size])}

        return fields

    def exported(
        self, model: keras.Model, fused: Any, decode: bool, has_kernel: bool
    ) -> ExportedOutputs:
        """As in `Task`; the second stage needs the first one's boxes, so that all is decoded."""
        from keras_effspine.tasks.exported_detector import decoded_detector

        masks = "(batch, n, 28, 28), probabilities of the object in equal parts of its box"
        return decoded_detector(model, fused, masks=masks)

    def outputs(
        self, predictions: dict[str, np.ndarray], scales: np.ndarray, records: Sequence[Record]
    ) -> list[Instances]:
        outputs = []
        for row, record in enumerate(records):
            found = boxes_in_picture(predictions, row, scales[row], record.width, record.height)
            # Not the boxes that end at the picture's edge: a mask fills the box that was predicted.
            masks = tuple(
                paste_mask(mask, box, record.width, record.height)
                for mask, box in zip(predictions["masks"][row], found.whole, strict=False)
            )
            found.boxes[:, 2:] -= found.boxes[:, :2]
            outputs.append(
                Instances(
                    boxes=found.boxes,
                    classes=found.classes,
                    scores=found.scores,
                    masks=masks,
                    is_cut=len(masks) == predictions["boxes"].shape[1],
                )
            )
        return outputs

    def merge_tiles(
        self, outputs: list[Instances], windows: np.ndarray, record: Record
    ) -> Instances:
        return merge_instances(outputs, windows, record.height, record.width)

    def truth(self, record: Record) -> Instances:
        return Instances(
            boxes=record.boxes,
            classes=record.classes,
            is_crowd=record.is_crowd,
            masks=known_masks(record),
        )

    def evaluator(self, record_set: RecordSet) -> CocoInstanceEvaluator:
        return CocoInstanceEvaluator(record_set)

    def look_closer(
        self,
        result: InstanceResult,
        record_set: RecordSet,
        pairs: Iterable[tuple[Record, Instances]],
        shown: Callable[[Boxes], Boxes],
    ) -> list[Finding]:
        """As in `Task`, by the overlap of masks."""
        return detection_findings(result.masks, record_set, pairs, shown)

    def grade(self, record: Record, output: Instances, class_names: tuple[str, ...]) -> Grade:
        return grade_detections(record, output)

    def reaching(self, output: Instances, scores: np.ndarray) -> Instances:
        assert output.scores is not None  # a prediction has them
        return output.those(np.flatnonzero(output.scores >= scores[output.classes]))

    def result(
        self, output: Instances, picture: Picture, class_names: tuple[str, ...] | None
    ) -> Detections:
        assert output.scores is not None  # a prediction has them
        found = (output.boxes, output.scores, output.classes, tuple(filter(None, output.masks)))
        return Detections.of_xywh(picture, class_names, *found)

    def best_guesses(self, output: Instances) -> Instances:
        """As in `Task`: of objects at one place, whatever their classes, the best."""
        assert output.scores is not None  # a prediction has them
        return output.those(best_of_each_place(output.boxes, output.scores))

    def draw(
        self,
        image: np.ndarray,
        output: Instances,
        class_names: tuple[str, ...],
        min_score: float = 0.0,
    ) -> np.ndarray:
        if output.scores is not None:
            output = output.those(np.flatnonzero(output.scores >= min_score))
        return draw_instances(
            image,
            output.boxes,
            output.classes,
            output.masks,
            class_names,
            scores=output.scores,
            is_crowd=output.is_crowd,
        )
