"""A data set's classes brought to those of a model, by name."""

import numpy as np
import pytest

from keras_effspine.data.class_alignment import align_classes
from keras_effspine.data.record import Record, RecordSet
from keras_effspine.errors import DataError


def record_set_of(class_names, category_ids, classes):
    count = len(classes)
    record = Record(
        image_id=1,
        path=None,
        width=9,
        height=9,
        boxes=np.ones((count, 4)),
        classes=np.array(classes, "int64"),
        areas=np.ones(count),
        is_crowd=np.zeros(count, bool),
    )
    return RecordSet((record,), tuple(class_names), tuple(category_ids), "test.json")


def test_the_same_classes_in_the_same_order_change_nothing():
    record_set = record_set_of("ab", (1, 2), [0, 1])
    assert align_classes(record_set, ["a", "b"]) is record_set


def test_classes_in_another_order_are_found_by_their_names():
    aligned = align_classes(record_set_of("ab", (5, 9), [0, 1, 1]), ["b", "a"])
    assert aligned.class_names == ("b", "a")
    assert aligned.category_ids == (9, 5)
    assert aligned.records[0].classes.tolist() == [1, 0, 0]
    assert aligned.records[0].classes.dtype == "int64"


def test_classes_that_the_data_lacks_stay_with_ids_of_their_own():
    aligned = align_classes(record_set_of("b", (3,), [0]), ["a", "b", "c"])
    assert aligned.class_names == ("a", "b", "c")
    assert aligned.records[0].classes.tolist() == [1]
    assert aligned.category_ids[1] == 3
    assert len(set(aligned.category_ids)) == 3


def test_a_picture_without_objects_stays_one():
    aligned = align_classes(record_set_of("b", (3,), []), ["a", "b"])
    assert aligned.records[0].classes.shape == (0,)


def test_a_class_that_the_model_does_not_know_is_an_error_with_both_lists():
    with pytest.raises(DataError, match=r"test\.json: .* classes z, y; it knows a, b\."):
        align_classes(record_set_of("azy", (1, 2, 3), [0]), ["a", "b"])
