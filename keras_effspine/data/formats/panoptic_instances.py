"""COCO's panoptic annotation files as objects with masks: `load_panoptic_instances`."""

import dataclasses
import json
import os
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from keras_effspine.data.formats.coco_ids import as_number
from keras_effspine.data.formats.coco_panoptic import load_coco_panoptic
from keras_effspine.data.record import Record, RecordSet
from keras_effspine.data.run_lengths import crop_run_lengths
from keras_effspine.data.semantic_labels import segment_ids
from keras_effspine.errors import DataError


def load_panoptic_instances(
    annotation_file: str | os.PathLike, image_folder: str | os.PathLike
) -> RecordSet:
    """Reads a panoptic annotation file for what it says of single objects.

    Args:
        annotation_file, image_folder: as in `load_coco_panoptic`.

    Returns:
        `RecordSet` of the segments of things; categories with `"isthing": 0`, stuff, are left out.
        Masks are read from the PNG files when they are needed.

    Raises:
        DataError: as `load_coco_panoptic`, or all categories are stuff.
    """
    record_set = load_coco_panoptic(annotation_file, image_folder)
    path = pathlib.Path(annotation_file)
    categories = json.loads(path.read_bytes().decode("utf-8-sig"))["categories"]
    stuff = {as_number(one["id"]) for one in categories if one.get("isthing", 1) == 0}
    things = [i for i, number in enumerate(record_set.category_ids) if number not in stuff]
    if not things:
        raise DataError(f"{path}: all of its categories are stuff, of which there are no objects.")
    to_index = np.full(len(record_set.class_names), -1)
    to_index[things] = np.arange(len(things))
    return dataclasses.replace(
        record_set,
        records=tuple(_with_masks(record, to_index) for record in record_set.records),
        class_names=tuple(record_set.class_names[i] for i in things),
        category_ids=tuple(record_set.category_ids[i] for i in things),
    )


def _with_masks(record: Record, to_index: np.ndarray) -> Record:
    assert record.semantic_map is not None
    kept = np.flatnonzero(to_index[record.classes] >= 0)
    ids = tuple(record.annotation_ids[index] for index in kept.tolist())
    return dataclasses.replace(
        record,
        boxes=record.boxes[kept],
        classes=to_index[record.classes[kept]],
        areas=record.areas[kept],
        is_crowd=record.is_crowd[kept],
        annotation_ids=ids,
        masks=SegmentMasks(record.semantic_map.path, ids, record.width, record.height),
        semantic_map=None,
    )


@dataclasses.dataclass(frozen=True, eq=False)
class SegmentMasks(Sequence):
    """The masks of segments as run lengths, read when they are asked for, all in one go.

    A mask is None where the PNG file cannot be read, has not the picture's size, or does not hold
    the segment; `effspine data check` counts such objects.

    Args:
        path: the PNG file whose colours are ids.
        ids: tuple of the segments' ids.
        width, height: of the picture in pixels.
    """

    path: pathlib.Path
    ids: tuple
    width: int
    height: int

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: Any) -> Any:
        return list(self)[index]

    def __iter__(self) -> Iterator[dict | None]:
        try:
            found = segment_ids(self.path)
        except DataError:
            found = np.zeros((0, 0), "int32")
        if found.shape != (self.height, self.width):
            found = np.zeros((self.height, self.width), "int32")
        for number in self.ids:
            mask = found == number
            rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
            if not len(rows) or number == 0:
                yield None
                continue
            top, left = int(rows[0]), int(columns[0])
            crop = mask[top : rows[-1] + 1, left : columns[-1] + 1]
            yield crop_run_lengths(crop, left, top, self.width, self.height)
