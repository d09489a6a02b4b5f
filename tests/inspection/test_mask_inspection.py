"""Data checks of instance masks."""

import dataclasses

import numpy as np
from small_data import COMPRESSED, POLYGON, small_record_set

from keras_effspine.inspection.mask_inspection import inspect_masks


def inspected(record_set):
    checked = [(None, str(place)) for place in range(len(record_set.records))]
    found = inspect_masks(record_set, checked, 64)
    return found, {(one.level, one.kind): one for one in found.issues}


def with_masks(record_set, *masks):
    """The second picture's objects, no crowds, have these masks."""
    records = list(record_set.records)
    second = records[1]
    records[1] = dataclasses.replace(second, masks=masks, is_crowd=np.zeros(2, bool))
    return dataclasses.replace(record_set, records=tuple(records))


def test_good_masks_and_crowds_are_no_issue(tmp_path):
    found, issues = inspected(small_record_set(tmp_path))
    assert not any("mask" in kind for _, kind in issues)
    assert found.objects == 3 and found.crowds == 2


def test_broken_and_empty_and_missing_masks_are_counted_and_named(tmp_path):
    broken = {**COMPRESSED, "size": [40, 30]}
    found, issues = inspected(with_masks(small_record_set(tmp_path), broken, None))
    wrong = issues["error", "mask that cannot be used: mask has not the size of its image"]
    assert wrong.count == 1
    assert wrong.examples[0].endswith("image 101, object 1010")
    assert issues["warning", "object without a mask"].count == 1
    assert found.has_errors
    empty = {"size": [30, 40], "counts": [1200]}
    _, issues = inspected(with_masks(small_record_set(tmp_path / "other"), POLYGON, empty))
    assert issues["error", "mask without a pixel"].count == 1


def test_a_data_set_without_any_mask_is_an_error(tmp_path):
    record_set = small_record_set(tmp_path)
    records = tuple(dataclasses.replace(r, masks=()) for r in record_set.records)
    found, issues = inspected(dataclasses.replace(record_set, records=records))
    assert issues["error", "no mask to learn from"].examples == ["small"]
    assert issues["warning", "object without a mask"].count == 3
    assert found.has_errors
