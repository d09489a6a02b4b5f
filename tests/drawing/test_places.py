"""One box is drawn at one place."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_effspine.drawing.places import SAME_PLACE, best_of_each_place


def test_of_boxes_at_one_place_the_best_is_kept_in_order():
    boxes = np.array(
        [[50, 50, 9, 9], [0, 0, 20, 20], [1, 0, 20, 20], [0, 1, 20, 20], [12, 0, 20, 20]]
    )
    scores = np.array([0.2, 0.40, 0.49, 0.37, 0.3])
    assert best_of_each_place(boxes.astype("float64"), scores).tolist() == [0, 2, 4]


def test_no_boxes_are_none():
    assert best_of_each_place(np.zeros((0, 4)), np.zeros(0)).tolist() == []


def overlap(one, other):
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[:2] + one[2:], other[:2] + other[2:])
    shared = np.prod(np.maximum(high - low, 0))
    return shared / (one[2] * one[3] + other[2] * other[3] - shared)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1).map(np.random.default_rng), st.integers(1, 30))
def test_what_is_kept_lies_apart_and_what_is_not_lies_on_a_better_one(generator, count):
    boxes = np.concatenate(
        [generator.uniform(0, 20, (count, 2)), generator.uniform(10, 40, (count, 2))], axis=1
    )
    scores = generator.permutation(count) / count
    kept = best_of_each_place(boxes, scores).tolist()
    for index in range(count):
        better = [i for i in kept if scores[i] > scores[index]]
        lies_on = any(overlap(boxes[index], boxes[i]) >= SAME_PLACE for i in better)
        assert (index in kept) != lies_on
