"""Average precision of instance masks and of their boxes, measured by pycocotools."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pycocotools.mask

from keras_effspine.data.record import Record, RecordSet
from keras_effspine.data.run_lengths import crop_run_lengths, run_lengths_of
from keras_effspine.evaluation.coco_detection import Boxes, CocoDetectionEvaluator
from keras_effspine.evaluation.instance_result import InstanceResult


@dataclasses.dataclass(frozen=True, eq=False)
class Instances(Boxes):
    """Instance segmentation's output for one picture: objects predicted, or annotated.

    Args:
        boxes, classes, scores, is_crowd: as in `Boxes`.
        masks: sequence of `n` masks of the picture's size as run lengths (see `data.run_lengths`),
            None where none is known.
        is_cut: whether the model gave as many objects as it gives at most.
    """

    masks: Sequence[dict | None] = ()
    is_cut: bool = False

    def those(self, kept: np.ndarray) -> "Instances":
        """Some of the objects, by their indices `(k,)`."""
        return dataclasses.replace(
            self,
            boxes=self.boxes[kept],
            classes=self.classes[kept],
            scores=None if self.scores is None else self.scores[kept],
            is_crowd=None if self.is_crowd is None else self.is_crowd[kept],
            masks=tuple(self.masks[index] for index in kept),
        )


class CocoInstanceEvaluator:
    """As `CocoDetectionEvaluator`, of masks as well.

    An annotated object whose mask is not known, or not usable, counts among boxes; among masks it
    is like a crowd that fills its box: neither rewarded nor punished.

    Args:
        record_set: the `RecordSet` to measure against.

    Raises:
        DataError: if two pictures, or two classes, of the set have the same id.
    """

    def __init__(self, record_set: RecordSet):
        self._boxes = CocoDetectionEvaluator(record_set)
        self._record_set = record_set
        self._masks: list[dict | None] = []
        self._cut = 0

    def add(self, record: Record, output: Instances) -> None:
        """Takes the objects of one picture.

        Args:
            record: the picture's `Record`, known by its `image_id`.
            output: `Instances` with scores and masks.

        Raises:
            ValueError: as for boxes, or if there is not one mask of the picture's size for each.
        """
        size = [record.height, record.width]
        if len(output.masks) != len(output.boxes) or any(
            mask is None or list(mask["size"]) != size for mask in output.masks
        ):
            raise ValueError(
                f"Detections of image id {record.image_id!r} must have a mask of {size} each. "
                f"Received: {len(output.masks)} masks for {len(output.boxes)} boxes, of sizes "
                f"{[mask and mask['size'] for mask in output.masks][:3]}"
            )
        self._boxes.add(record, output)
        self._masks.extend(output.masks)
        self._cut += output.is_cut

    def predictions(self) -> list[dict]:
        """As of boxes, with the mask as `"segmentation"`."""
        return [
            {**found, "segmentation": mask}
            for found, mask in zip(self._boxes.predictions(), self._masks, strict=True)
        ]

    def result(self) -> InstanceResult:
        """Measures all that was added.

        Returns:
            `InstanceResult`. Pictures that were not added count as having no detections.
        """
        truth, predicted = self._boxes.truth(), self._boxes.predicted()
        masks = [mask for record in self._record_set.records for mask in known_masks(record)]
        unknown = 0
        owners = [r for r in self._record_set.records for _ in range(len(r.boxes))]
        for annotation, record, mask in zip(truth, owners, masks, strict=True):
            if mask is None:
                unknown += not annotation["iscrowd"]
                mask = _whole_box(annotation["bbox"], record)
                annotation["iscrowd"] = 1
            annotation["segmentation"] = mask
        for annotation, mask in zip(predicted, self._masks, strict=True):
            annotation["segmentation"] = mask
            annotation["area"] = float(pycocotools.mask.area(mask))
        return InstanceResult(
            masks=self._boxes.measure("segm", truth, predicted),
            boxes=self._boxes.result(),
            unknown_masks=int(unknown),
            images_cut=self._cut,
        )


def known_masks(record: Record) -> tuple[dict | None, ...]:
    """The masks of a record's objects as run lengths; None where one is missing or not usable."""
    found: list[dict | None] = []
    for mask in record.masks or [None] * len(record.boxes):
        try:
            size = record.width, record.height
            found.append(None if mask is None else run_lengths_of(mask, *size))
        except ValueError:  # `effspine data check` counts and names it
            found.append(None)
    return tuple(found)


def _whole_box(box: list[float], record: Record) -> dict:
    left, top = (int(max(0, np.floor(low))) for low in box[:2])
    right = int(min(record.width, np.ceil(box[0] + box[2])))
    bottom = int(min(record.height, np.ceil(box[1] + box[3])))
    crop = np.ones((max(0, bottom - top), max(0, right - left)), bool)
    return crop_run_lengths(crop, left, top, record.width, record.height)
