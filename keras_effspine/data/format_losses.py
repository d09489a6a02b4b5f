"""What a format cannot hold of a data set: `left_out`."""

import collections
from collections.abc import Callable

import numpy as np
import pycocotools.mask

from keras_effspine.data.formats.boxes import ALLOWED_OVERHANG
from keras_effspine.data.formats.label_studio_writing import is_polygon
from keras_effspine.data.record import Record, RecordSet
from keras_effspine.data.run_lengths import run_lengths_of


def left_out(record_sets: dict[str, RecordSet], target: str, predicted: bool = False) -> list[str]:
    """What a format cannot hold of some record sets, as a list of lines, one a kind.

    Args:
        record_sets: dictionary from split to `RecordSet`.
        target: name of the format.
        predicted: whether a model has said it, whose ids nobody knows.
    """
    counts: collections.Counter[str] = collections.Counter()
    names_alone = target in _NAMED and not predicted
    for record_set in record_sets.values():
        for record in record_set.records:
            counts.update(_LEFT_OUT[target](record))
            counts["label maps of pixels"] += record.semantic_map is not None
            if names_alone and isinstance(record.image_id, int):
                counts["image ids (file names tell the pictures)"] += 1
        plain = tuple(range(len(record_set.class_names)))
        if names_alone and tuple(record_set.category_ids) != plain:
            counts["category ids (classes are told by name and order)"] = len(plain)
    return [f"{count} {kind}" for kind, count in counts.items() if count]


def _box_areas_differ(record):
    boxes = record.boxes[:, 2] * record.boxes[:, 3]
    return ~np.isclose(record.areas, boxes, rtol=1e-3)


def _voc_leaves_out(record):
    attributes = record.attributes or ({},) * len(record.boxes)
    known = {"truncated", "occluded", "difficult", "pose"}
    yield "masks", sum(mask is not None for mask in record.masks)
    crowds = zip(record.is_crowd, attributes, strict=True)
    yield (
        "crowds as such (written as difficult objects)",
        sum(bool(crowd) and "difficult" not in said for crowd, said in crowds),
    )
    yield "object areas (readers take that of the box)", int(_box_areas_differ(record).sum())
    yield "attributes", sum(bool(said.keys() - known) for said in attributes)


def _yolo_leaves_out(record):
    from keras_effspine.data.formats.yolo import polygons

    crowd = record.is_crowd
    masks = sum(mask is not None for mask, one in zip(record.masks, crowd, strict=True) if not one)
    yield "crowds", int(crowd.sum())
    if polygons(record) is None:
        yield "masks (not all of the picture's are one polygon with the bounds of the box)", masks
        areas = int((_box_areas_differ(record) & ~crowd).sum())
        yield "object areas (readers take that of the box)", areas
    attributes = record.attributes or ({},) * len(crowd)
    yield "objects' attributes", sum(bool(said) for said in attributes)


_OTHER_BOXES = "boxes that are not the bounds of their masks"


def _other_boxes(record, without=None):
    """How many objects have a box that is not around the mask, of those whose mask is written."""
    count = 0
    for index, (box, mask) in enumerate(zip(record.boxes, record.masks, strict=True)):
        if mask is None or (without is not None and without[index]):
            continue
        bounds = pycocotools.mask.toBbox(run_lengths_of(mask, record.width, record.height))
        count += np.abs(bounds - box).max() > ALLOWED_OVERHANG
    return int(count)


def _cvat_leaves_out(record):
    alone = np.array([mask is None for mask in record.masks], bool)
    areas = int((_box_areas_differ(record) & alone).sum()) if len(alone) else 0
    yield "object areas (readers take that of the box)", areas
    yield _OTHER_BOXES, _other_boxes(record)


def _label_studio_leaves_out(record):
    kept = ~record.is_crowd
    masks = [mask for mask, one in zip(record.masks, kept, strict=True) if one and mask is not None]
    yield "crowds", int(record.is_crowd.sum())
    yield "masks (not of one polygon)", sum(not is_polygon(mask) for mask in masks)
    drawn = [not one or not is_polygon(mask) for one, mask in zip(kept, record.masks, strict=True)]
    yield _OTHER_BOXES, _other_boxes(record, drawn)
    attributes = record.attributes or ({},) * len(kept)
    yield "objects' attributes", sum(bool(said.keys() - {"score"}) for said in attributes)


def _nothing(record):
    return ()


def _counted(kinds):
    return lambda record: {kind: count for kind, count in kinds(record) if count}


_LEFT_OUT: dict[str, Callable[[Record], dict[str, int]]] = {
    "coco": _counted(_nothing),
    "voc": _counted(_voc_leaves_out),
    "yolo": _counted(_yolo_leaves_out),
    "tfrecord": _counted(_nothing),
    "cvat": _counted(_cvat_leaves_out),
    "label-studio": _counted(_label_studio_leaves_out),
}

_NAMED = ("voc", "yolo", "cvat", "label-studio")
"""Formats that tell pictures and classes by name."""
