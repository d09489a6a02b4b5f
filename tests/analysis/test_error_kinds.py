import dataclasses
import pathlib

import numpy as np
import pytest
from random_detections import evaluated, random_pairs, random_truth

from keras_effspine.analysis.detection_findings import picture_overlaps
from keras_effspine.analysis.error_kinds import error_kinds
from keras_effspine.data.record import Record, RecordSet
from keras_effspine.evaluation.coco_detection import Boxes

# Two objects of class 0 and two of class 1, 20 pixels wide; nothing overlaps by chance.
OBJECTS = [[0, 0, 20, 20], [50, 0, 20, 20], [0, 50, 20, 20], [50, 50, 20, 20]]
CLASSES = [0, 0, 1, 1]
DETECTIONS = [
    ([0, 0, 20, 20], 0, 0.9),  # right
    ([1, 0, 20, 20], 0, 0.8),  # a duplicate of it
    ([0, 50, 20, 20], 0, 0.7),  # the first object of class 1, as class 0
    ([60, 0, 20, 20], 0, 0.6),  # overlaps its object by a third
    ([60, 0, 20, 20], 1, 0.5),  # the same, as class 1
    ([200, 200, 20, 20], 0, 0.4),  # nothing is there
]  # the last object is missed


def kinds_of(truth, pairs):
    result = evaluated(truth, pairs).result()
    return error_kinds(result.matches, picture_overlaps(truth, pairs))


def scene(objects=OBJECTS, classes=CLASSES, detections=DETECTIONS, crowds=None):
    record = Record(
        image_id=1,
        path=pathlib.Path("1.png"),
        width=300,
        height=300,
        boxes=np.array(objects, "float64").reshape(-1, 4),
        classes=np.array(classes, int),
        areas=np.full(len(objects), 400.0),
        is_crowd=np.zeros(len(objects), bool) if crowds is None else np.array(crowds),
        annotation_ids=tuple(range(len(objects))),
    )
    boxes, named, scores = zip(*detections, strict=True) if detections else ((), (), ())
    found = Boxes(np.array(boxes, "float64").reshape(-1, 4), np.array(named, int), np.array(scores))
    return RecordSet((record,), ("a", "b"), (1, 2), "scene.json"), [(record, found)]


def test_each_kind_and_its_price_are_those_computed_by_hand():
    kinds = kinds_of(*scene())
    assert kinds.counts == dict.fromkeys(kinds.counts, 1)
    # Class 0 has precision 1 up to recall 1/2, which is 51 of 101 recalls; class 1 has nothing.
    assert kinds.AP50 == pytest.approx(51 / 202)
    gains = {name: gain * 202 for name, gain in kinds.gains.items()}
    assert gains == pytest.approx(
        {
            "class": 51,  # class 1 finds half of its objects
            "localisation": 50 * 2 / 4,  # the fourth detection finds the other half of class 0
            "both": 0,  # what comes after the last right detection costs nothing
            "duplicate": 0,
            "background": 0,
            "missed": 0,
            "all wrong detections": 0,
            "all objects not found": 50,  # class 0 is asked for one object alone
        },
        abs=1e-9,
    )


def test_what_stands_before_a_right_detection_costs():
    late = [(box, name, 1 - score) for box, name, score in DETECTIONS]
    gains = kinds_of(*scene(detections=late)).gains
    # What was the duplicate is right now, behind three wrong ones of its class.
    before = 51 / 4
    assert gains["background"] * 202 == pytest.approx(51 / 3 - before)
    assert gains["all wrong detections"] * 202 == pytest.approx(51 - before)


def test_numbers_are_those_of_the_authors_code():
    # tidecv 1.0.1 on `random_truth(5, images=40, crowds=0)`, in percent.
    truth = random_truth(5, images=40, crowds=0.0)
    kinds = kinds_of(truth, random_pairs(truth, 6, decimals=12))
    assert 100 * kinds.AP50 == pytest.approx(19.616, abs=1e-3)
    assert {name: 100 * gain for name, gain in kinds.gains.items()} == pytest.approx(
        {
            "class": 4.3295,
            "localisation": 19.7159,
            "both": 3.2358,
            "duplicate": 0.5043,
            "background": 6.3072,
            "missed": 2.5711,
            "all wrong detections": 41.1101,
            "all objects not found": 13.4006,
        },
        abs=1e-4,
    )
    assert list(kinds.counts.values()) == [24, 100, 46, 25, 85, 22]


def test_detections_on_a_crowd_are_no_errors():
    truth, pairs = scene(crowds=[False, True, False, False])
    kinds = kinds_of(truth, pairs)
    assert kinds.counts["localisation"] == 0  # lies on the crowd of its class
    assert kinds.counts["background"] == 2  # the other one, of another class, and the last
    record, found = pairs[0]
    on_it = dataclasses.replace(found, boxes=np.tile(OBJECTS[1], (6, 1)).astype("float64"))
    assert sum(kinds_of(truth, [(record, on_it)]).counts.values()) == 1 + 3  # class 1, and 3 missed


def test_without_detections_all_objects_are_missed_and_without_objects_all_is_background():
    truth, pairs = scene(detections=[])
    missed = kinds_of(truth, pairs)
    assert (missed.AP50, missed.counts["missed"]) == (0.0, 4)
    assert kinds_of(truth, []).counts["missed"] == 4  # a picture that was never run
    nothing = kinds_of(*scene(objects=[], classes=[]))
    assert (nothing.AP50, nothing.counts["background"]) == (0.0, 6)
    assert set(nothing.gains.values()) == {0.0}
    assert sum(kinds_of(*scene([], [], [])).counts.values()) == 0


def test_the_sum_of_all_kinds_is_every_wrong_detection():
    truth = random_truth(3)
    pairs = random_pairs(truth)
    matches = evaluated(truth, pairs).result().matches
    counts = kinds_of(truth, pairs).counts
    assert sum(counts.values()) - counts["missed"] == np.sum(matches.is_counted & ~matches.is_right)
