"""A data set drawn at random, with detections that make every kind of mistake."""

import pathlib

import numpy as np

from keras_effspine.data.record import Record, RecordSet
from keras_effspine.evaluation.coco_detection import Boxes, CocoDetectionEvaluator

NAMES = ("ball", "cube", "cone")
SIZE = 300


def random_truth(seed=0, images=30, crowds=0.05):
    """A `RecordSet` of three classes; some pictures are empty, some objects are crowds."""
    rng = np.random.default_rng(seed)
    records = []
    for number in range(images):
        count = int(rng.integers(0, 9))
        boxes = np.concatenate(
            [rng.uniform(0, SIZE - 120, (count, 2)), rng.uniform(8, 120, (count, 2))], axis=1
        ).round(1)
        records.append(
            Record(
                image_id=f"picture {number:03d}",
                path=pathlib.Path(f"{number}.png"),
                width=SIZE,
                height=SIZE,
                boxes=boxes,
                classes=rng.choice(3, count, p=[0.6, 0.3, 0.1]),
                areas=boxes[:, 2:].prod(axis=1) * 0.8,
                is_crowd=rng.random(count) < crowds,
                annotation_ids=tuple(range(count)),
            )
        )
    return RecordSet(tuple(records), NAMES, (7, 3, 12), "random.json")


def random_output(record, rng, decimals=2):
    """Boxes near objects and away from them, some of another class, some of equal score."""
    found = [record.boxes[rng.random(len(record.boxes)) < 0.8] for _ in range(2)]
    boxes = np.concatenate([*found, rng.uniform(5, 90, (3, 4))])
    classes = np.concatenate(
        [record.classes[[np.abs(record.boxes - box).sum(axis=1).argmin() for box in part]]
         if len(part) else np.zeros(0, int) for part in found]
        + [rng.integers(0, 3, 3)]
    ).astype(int)  # fmt: skip
    boxes = boxes + rng.normal(0, 1, boxes.shape) * boxes[:, 2:].mean(axis=1, keepdims=True) * 0.15
    boxes[:, 2:] = np.maximum(boxes[:, 2:], 1)
    other = rng.random(len(classes)) < 0.2
    classes[other] = (classes[other] + 1) % 3
    return Boxes(boxes, classes, rng.uniform(0, 1, len(classes)).round(decimals))


def random_pairs(record_set, seed=1, decimals=2):
    """Pairs of a record and what is predicted for it; the last picture is not looked at."""
    rng = np.random.default_rng(seed)
    return [(record, random_output(record, rng, decimals)) for record in record_set.records[:-1]]


def evaluated(record_set, pairs):
    """The evaluator to which all pairs were added."""
    evaluator = CocoDetectionEvaluator(record_set)
    for record, output in pairs:
        evaluator.add(record, output)
    return evaluator
