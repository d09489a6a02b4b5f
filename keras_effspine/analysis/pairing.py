"""What is shown on one picture, held against what is annotated there."""

import dataclasses
from typing import Any

import numpy as np
import pycocotools.mask

from keras_effspine.data.record import Record
from keras_effspine.evaluation.coco_detection import Boxes
from keras_effspine.evaluation.coco_instances import Instances, measured_masks

FOUND = 0.5
"""Overlap from which a detection has found an object."""


def overlaps_between(record: Record, found: Boxes) -> tuple[np.ndarray, np.ndarray]:
    """How far detections overlap the annotated objects: their masks, where there are such.

    Args:
        record: `Record` of the picture.
        found: `Boxes` or `Instances` for it.

    Returns:
        Pair of the intersection over union, float64 `(detections, objects)`, of crowds the share
        of the detection that lies on it; and bool `(objects,)`, whether an object is a crowd, or
        is treated as one, for lack of a mask.
    """
    here, there = np.asarray(found.boxes, "float64"), np.asarray(record.boxes, "float64")
    is_crowd = np.asarray(record.is_crowd, bool)
    own: tuple[Any, Any] = (here, there)
    if isinstance(found, Instances):
        masks, is_crowd = measured_masks(record)
        own = list(found.masks), masks
    if not len(here) or not len(there):  # pycocotools takes nothing that is empty
        return np.zeros((len(here), len(there))), is_crowd
    return pycocotools.mask.iou(*own, is_crowd.astype("uint8")), is_crowd


@dataclasses.dataclass(frozen=True, eq=False)
class Pairs:
    """Which detection stands for which object of a picture.

    Args:
        objects: int `(detections,)`, index of the object, of whatever class; -1 for none.
        is_counted: bool `(detections,)`, false on crowds of the same class.
        is_crowd: bool `(objects,)`.
    """

    objects: np.ndarray
    is_counted: np.ndarray
    is_crowd: np.ndarray


def pair_up(record: Record, found: Boxes) -> Pairs:
    """Pairs detections with the objects of a picture, one to one.

    Pairs overlap by half or more. Those of one class go first, then those of two classes; among
    them, those that overlap most.
    """
    overlaps, is_crowd = overlaps_between(record, found)
    classes = np.asarray(found.classes, int)
    same = classes[:, None] == np.asarray(record.classes, int)[None]
    objects, is_taken = np.full(len(classes), -1), is_crowd.copy()
    for allowed in (same, ~same):
        near = np.where(allowed & ~is_crowd, overlaps, 0.0)
        for place in np.argsort(-near, axis=None, kind="stable"):
            detection, one = np.unravel_index(place, near.shape)
            if near[detection, one] < FOUND:
                break
            if objects[detection] < 0 and not is_taken[one]:
                objects[detection], is_taken[one] = one, True
    on_crowd = ((overlaps >= FOUND) & same & is_crowd).any(axis=1)
    return Pairs(objects, (objects >= 0) | ~on_crowd, is_crowd)
