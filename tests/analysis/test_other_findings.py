"""A closer look at classification and at semantic segmentation."""

import pathlib

import numpy as np
import pytest

from keras_effspine.analysis.classification_findings import (
    classification_findings,
    grade_classes,
)
from keras_effspine.analysis.segmentation_findings import grade_map, segmentation_findings
from keras_effspine.data.record import RecordSet, record_without_objects
from keras_effspine.evaluation.classification import Classes
from keras_effspine.evaluation.semantic_segmentation import SegmentationResult

NAMES = ("cat", "dog", "owl")


def picture(number, label):
    return record_without_objects(
        image_id=number, path=pathlib.Path("x.png"), width=8, height=8, image_label=label
    )


def answer(*scores):
    scores = np.array(scores)
    order = np.argsort(-scores)
    return Classes(order, scores[order])


@pytest.fixture
def classified():
    """Cats: one right, one taken for a dog. A dog, right. An owl, taken for a cat. One unknown."""
    labels = [0, 0, 1, 2, None]
    records = tuple(picture(number, label) for number, label in enumerate(labels))
    answers = [
        answer(0.8, 0.1, 0.1),
        answer(0.3, 0.6, 0.1),
        answer(0.2, 0.7, 0.1),
        answer(0.9, 0.0, 0.1),
        answer(0.9, 0.1, 0.0),
    ]
    return RecordSet(records, NAMES, (0, 1, 2), "pets"), list(zip(records, answers, strict=True))


def test_answers_are_counted_by_the_class_of_the_picture(classified):
    confusion, curves = classification_findings(*classified)
    assert confusion.values["annotated_by_predicted"] == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]
    cat, dog, owl = curves.values
    assert (cat["pictures"], cat["precision"], cat["recall"], cat["F1"]) == (2, 0.5, 0.5, 0.5)
    assert (dog["precision"], dog["recall"]) == (0.5, 1.0)
    assert (owl["precision"], owl["recall"], owl["F1"]) == (None, 0.0, 0.0)
    # By the score of a cat: a wrong one at 0.9, then 0.8 and 0.3 right. Precision 2/3 throughout.
    assert cat["AP"] == pytest.approx(2 / 3)
    assert dog["AP"] == pytest.approx(1.0)
    assert owl["AP"] == pytest.approx(1 / 4)  # all have 0.1, and the owl comes fourth


def test_the_surest_wrong_answer_is_the_worst(classified):
    grades = [grade_classes(record, output, NAMES) for record, output in classified[1]]
    assert grades[4] is None
    assert [grade.words for grade in grades[:2]] == ["cat 0.80, right", "dog 0.60, not cat"]
    order = sorted(range(4), key=lambda place: grades[place].value)
    assert order == [3, 1, 2, 0]


def test_pixels_are_counted_by_class():
    matrix = np.array([[6, 2, 0, 0], [1, 3, 0, 4], [0, 0, 0, 0]])  # the last column is not run
    confusion, classes = segmentation_findings(SegmentationResult(NAMES, matrix))
    assert confusion.values["annotated_by_predicted"] == [[6, 2, 0], [1, 3, 0], [0, 0, 0]]
    cat, dog, owl = classes.values
    assert (cat["IoU"], cat["precision"], cat["recall"]) == (6 / 9, 6 / 7, 6 / 8)
    assert (dog["precision"], dog["recall"]) == (3 / 5, 3 / 8)
    assert (owl["IoU"], owl["precision"], owl["recall"]) == (None, None, None)
    assert classes.figure is not None


def test_a_picture_is_graded_by_the_mean_iou_of_what_is_on_it():
    truth = np.array([[0, 0, 1, 255]], "uint8")
    assert grade_map(truth, np.array([[0, 0, 1, 7]], "uint8")).value == 1.0
    half = grade_map(truth, np.array([[0, 1, 1, 0]], "uint8"))
    assert (half.value, half.words) == (0.5, "mean IoU 0.50")
    assert grade_map(np.full((2, 2), 255, "uint8"), np.zeros((2, 2), "uint8")) is None
