import pathlib

import numpy as np
import pytest
from random_detections import random_pairs, random_truth

from keras_effspine.analysis.confusion import confusion_finding, detection_confusion
from keras_effspine.analysis.detection_findings import grade_detections
from keras_effspine.analysis.pairing import pair_up
from keras_effspine.data.record import Record
from keras_effspine.data.run_lengths import crop_run_lengths
from keras_effspine.evaluation.coco_detection import Boxes
from keras_effspine.evaluation.coco_instances import Instances


def record_of(boxes, classes, crowds=None, masks=()):
    return Record(
        image_id=1,
        path=pathlib.Path("1.png"),
        width=200,
        height=200,
        boxes=np.array(boxes, "float64").reshape(-1, 4),
        classes=np.array(classes, int),
        areas=np.ones(len(boxes)),
        is_crowd=np.array(crowds or [False] * len(boxes)),
        masks=masks,
    )


def boxes_of(boxes, classes):
    return Boxes(
        np.array(boxes, "float64").reshape(-1, 4), np.array(classes, int), np.ones(len(classes))
    )


def test_objects_are_counted_by_their_class_and_the_one_at_their_place():
    record = record_of([[0, 0, 20, 20], [50, 0, 20, 20], [0, 50, 20, 20]], [0, 0, 1])
    found = boxes_of([[0, 0, 20, 18], [50, 0, 22, 20], [150, 150, 9, 9]], [0, 1, 1])
    matrix = detection_confusion([(record, found)], 2)
    # Rows and columns: class 0, class 1, background.
    assert matrix.tolist() == [[1, 1, 0], [0, 0, 1], [0, 1, 0]]


def test_a_detection_of_the_right_class_goes_before_one_that_fits_better():
    record = record_of([[0, 0, 20, 20]], [0])
    found = boxes_of([[0, 0, 20, 20], [0, 0, 20, 14]], [1, 0])
    assert pair_up(record, found).objects.tolist() == [-1, 0]
    assert detection_confusion([(record, found)], 2).tolist() == [[1, 0, 0], [0, 0, 0], [0, 1, 0]]


def test_a_detection_stands_for_one_object_and_an_object_for_one_detection():
    record = record_of([[0, 0, 20, 20], [4, 0, 20, 20]], [0, 0])
    found = boxes_of([[0, 0, 20, 20], [1, 0, 20, 20], [2, 0, 20, 20]], [0, 0, 0])
    assert sorted(pair_up(record, found).objects.tolist()) == [-1, 0, 1]


def test_crowds_and_what_lies_on_them_are_not_counted():
    record = record_of([[0, 0, 100, 100]], [0], crowds=[True])
    found = boxes_of([[10, 10, 20, 20], [30, 30, 20, 20]], [0, 1])
    assert detection_confusion([(record, found)], 2).tolist() == [[0, 0, 0], [0, 0, 0], [0, 1, 0]]


def test_masks_are_what_overlaps_where_there_are_any():
    def part(left, top, width, height):
        return crop_run_lengths(np.ones((height, width), bool), left, top, 200, 200)

    box = [0, 0, 40, 40]  # two objects in one box, one on the left, one on the right of it
    left, right = part(0, 0, 20, 40), part(20, 0, 20, 40)
    record = record_of([box, box, box], [0, 1, 0], masks=(left, right, None))
    found = Instances(
        boxes=np.array([box, box], "float64"),
        classes=np.array([1, 0]),
        scores=np.ones(2),
        masks=(right, left),
    )
    pairs = pair_up(record, found)
    assert pairs.objects.tolist() == [1, 0]
    assert pairs.is_crowd.tolist() == [False, False, True]  # nobody has to find what has no mask
    assert detection_confusion([(record, found)], 2)[:2, :2].tolist() == [[1, 0], [0, 1]]


def test_every_object_and_every_detection_is_counted_once():
    truth = random_truth(4, crowds=0.0)
    pairs = random_pairs(truth)
    matrix = detection_confusion(pairs, 3)
    assert matrix[:-1].sum() == sum(len(record.boxes) for record, _ in pairs)
    assert matrix[:, :-1].sum() == sum(len(found.boxes) for _, found in pairs)
    assert matrix[-1, -1] == 0


def test_pictures_are_graded_by_what_is_right_wrong_and_missed():
    record = record_of([[0, 0, 20, 20], [50, 0, 20, 20]], [0, 0])
    half = grade_detections(record, boxes_of([[0, 0, 20, 20], [50, 0, 20, 20]], [0, 1]))
    assert half.words == "1 right, 1 wrong, 1 missed"
    assert half.value == pytest.approx(0.5, abs=1e-5)
    whole = grade_detections(record, boxes_of(record.boxes, record.classes))
    nothing = grade_detections(record, boxes_of([], []))
    worse = grade_detections(record, boxes_of([[90, 90, 9, 9]], [0]))
    assert whole.value == 1.0
    assert worse.value < nothing.value < half.value < whole.value
    assert grade_detections(record_of([], []), boxes_of([], [])).value == 1.0


def test_the_table_names_the_most_frequent_confusions_first():
    matrix = np.array([[5, 2, 0], [7, 1, 0], [0, 3, 0]])
    finding = confusion_finding(matrix, ["[red] fox", "owl"], "text")
    (table,) = finding.tables
    rows = list(zip(*([str(x) for x in column.cells] for column in table.columns), strict=True))
    assert rows == [
        ("owl", "[red] fox", "7", "87.5%"),
        ("(background)", "owl", "3", "-"),
        ("[red] fox", "owl", "2", "28.6%"),
    ]
    assert finding.values["annotated_by_predicted"] == matrix.tolist()
    assert confusion_finding(np.eye(2, dtype=int), ["a", "b"], "text").tables == ()
