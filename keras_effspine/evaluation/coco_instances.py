"""Average precision of instance masks and of their boxes, measured by pycocotools."""

import dataclasses
from collections.abc import Sequence
from typing import Self

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

    def those(self, kept: np.ndarray) -> Self:
        masks = tuple(self.masks[index] for index in kept)
        return dataclasses.replace(super().those(kept), masks=masks)


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
        parts = [measured_masks(record) for record in self._record_set.records]
        masks = [mask for some, _ in parts for mask in some]
        crowds = np.concatenate([np.zeros(0, bool), *(is_crowd for _, is_crowd in parts)])
        unknown = 0
        for annotation, own, is_crowd in zip(truth, masks, crowds, strict=True):
            unknown += is_crowd and not annotation["iscrowd"]
            annotation |= {"segmentation": own, "iscrowd": int(is_crowd)}
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


def measured_masks(record: Record) -> tuple[list[dict], np.ndarray]:
    """The masks that a picture is measured by, and which of them are crowds, bool `(n,)`.

    An object whose mask is not known is like a crowd that fills its box.
    """
    known = known_masks(record)
    masks = [
        _whole_box(box, record) if mask is None else mask
        for box, mask in zip(record.boxes.tolist(), known, strict=True)
    ]
    is_unknown = np.array([mask is None for mask in known], bool)
    return masks, np.asarray(record.is_crowd, bool) | is_unknown


def _whole_box(box: list[float], record: Record) -> dict:
    left, top = (int(max(0, np.floor(low))) for low in box[:2])
    right = int(min(record.width, np.ceil(box[0] + box[2])))
    bottom = int(min(record.height, np.ceil(box[1] + box[3])))
    crop = np.ones((max(0, bottom - top), max(0, right - left)), bool)
    return crop_run_lengths(crop, left, top, record.width, record.height)
