"""Choosing candidates at random."""

import numpy as np
import pytest
from keras import ops

from keras_effspine.layers.random_choice import choose_at_random

RANDOM = np.random.default_rng(0)
CANDIDATES = RANDOM.uniform(size=(6, 40)) < 0.4
CANDIDATES[0] = False


def chosen(noise, *limits):
    return ops.convert_to_numpy(choose_at_random(CANDIDATES, noise.astype("float32"), *limits))


@pytest.mark.parametrize("most", [1, 5, 39, 100])
def test_no_more_than_the_limit_are_chosen_and_candidates_alone(most):
    found = chosen(RANDOM.uniform(size=CANDIDATES.shape), most)
    assert (found <= CANDIDATES).all()
    np.testing.assert_array_equal(found.sum(1), np.minimum(CANDIDATES.sum(1), most))


def test_each_row_may_have_a_limit_of_its_own():
    counts = np.array([[3], [0], [4], [100], [-2], [1]], "int32")
    found = chosen(RANDOM.uniform(size=CANDIDATES.shape), 10, counts)
    assert (found <= CANDIDATES).all()
    expected = np.minimum(CANDIDATES.sum(1), np.clip(counts[:, 0], 0, 10))
    np.testing.assert_array_equal(found.sum(1), expected)


def test_every_candidate_is_chosen_equally_often():
    times = np.zeros(CANDIDATES.shape)
    for _ in range(600):
        times += chosen(RANDOM.uniform(size=CANDIDATES.shape), 4)
    for row in range(1, 6):
        share = times[row][CANDIDATES[row]] / 600
        wanted = 4 / CANDIDATES[row].sum()
        np.testing.assert_allclose(share, wanted, atol=5 * (wanted / 600) ** 0.5)
