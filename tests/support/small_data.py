"""A small data set with all that a record can hold, and ways to compare two of them."""

import numpy as np
from PIL import Image

from keras_effspine.data.record import Record, RecordSet

POLYGON = [[2.0, 3.0, 12.0, 3.0, 12.0, 13.0, 2.0, 13.0]]
COMPRESSED = {"size": [30, 40], "counts": "l21cR1"}


def small_record_set(folder, count=4, class_names=("cat", "dog ü", "mug")):
    """Writes pictures into a folder; returns their records, one of them without objects.

    The first picture has one object, with a polygon whose bounds are its box; the others have two,
    of which the second is a crowd with a run-length mask.
    """
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    records = []
    for index in range(count):
        path = folder / f"{index}ü.png"
        pixels = random.integers(0, 255, (30, 40, 3), "uint8")
        Image.fromarray(pixels).save(path)
        objects = 0 if index == count - 1 else min(index + 1, 2)
        boxes = [[2, 3, 10, 10], [5.25, 6.5, 20.125, 1 / 3]][:objects]
        records.append(
            Record(
                image_id=100 + index,
                path=path,
                width=40,
                height=30,
                boxes=np.array(boxes, "float64").reshape(-1, 4),
                classes=np.array([0, 1][:objects], "int64"),
                areas=np.array([100.0, 5.5][:objects]),
                is_crowd=np.array([False, True][:objects], "bool"),
                annotation_ids=tuple(1000 + 10 * index + i for i in range(objects)),
                masks=(POLYGON, COMPRESSED)[:objects],
                attributes=({"pose": "Left", "truncated": True}, {})[:objects],
            )
        )
    return RecordSet(tuple(records), class_names, (7, 8, 90), "small", split="train")


def assert_same_objects(one, other, precision=1e-9):
    """Pictures, boxes, classes by name and crowds are the same, in the same order."""
    assert one.class_names == other.class_names
    assert len(one.records) == len(other.records)
    for a, b in zip(one.records, other.records, strict=True):
        assert (a.width, a.height) == (b.width, b.height)
        np.testing.assert_allclose(a.boxes, b.boxes, rtol=0, atol=precision)
        assert a.boxes.dtype == b.boxes.dtype == "float64"
        assert a.classes.tolist() == b.classes.tolist()
        assert a.classes.dtype == b.classes.dtype == "int64"
        assert a.is_crowd.tolist() == b.is_crowd.tolist()
        assert a.is_crowd.dtype == b.is_crowd.dtype == "bool"


def assert_same_everything(one, other):
    """All that COCO's format and the package's own hold is the same."""
    assert_same_objects(one, other, 0)
    assert tuple(one.category_ids) == tuple(other.category_ids)
    for a, b in zip(one.records, other.records, strict=True):
        assert a.image_id == b.image_id
        assert a.areas.tolist() == b.areas.tolist()
        assert list(a.annotation_ids) == list(b.annotation_ids)
        assert list(a.masks) == list(b.masks)
        assert list(a.attributes or [{}] * len(a.boxes)) == list(
            b.attributes or [{}] * len(b.boxes)
        )
