import numpy as np
import pytest
import tensorflow as tf

from keras_effspine.stream.rounds import Rounds


def seeds(number):
    return tf.stack([tf.constant(7, "int64"), number])


def records(rounds, places):
    found = tf.data.Dataset.from_tensor_slices(np.array(places, "int64"))
    return list(found.map(lambda p: rounds.record_at(p, seeds)).as_numpy_iterator())


def test_without_repeats_each_round_is_a_permutation_and_another_one():
    found = np.reshape(records(Rounds(9), range(27)), (3, 9))
    assert (np.sort(found, axis=1) == np.arange(9)).all()
    assert len({tuple(order) for order in found.tolist()}) == 3
    alike = np.reshape(records(Rounds(9, np.ones(9)), range(27)), (3, 9))
    assert (alike == found).all()  # repeats of 1 change nothing


def test_each_round_shows_a_picture_as_often_as_it_is_to_be_shown_but_for_less_than_once():
    repeats = np.array([1.0, 2.5, 1.0, 1.2, 3.0, 1.3])  # ten places
    rounds = Rounds(6, repeats)
    assert rounds.length == 10
    counts = [
        np.bincount(part, minlength=6)
        for part in np.reshape(records(rounds, range(4000)), (400, 10))
    ]
    assert (np.abs(np.array(counts) - repeats) < 1).all()
    np.testing.assert_allclose(np.mean(counts, axis=0), repeats, atol=0.08)
    # One of the three with a rest comes once more, drawn anew in each round.
    assert len({tuple(one) for one in counts}) == 3


def test_a_round_has_whole_places_where_the_repeats_have_none():
    repeats = np.full(10, 1.26)
    rounds = Rounds(10, repeats)
    assert rounds.length == 13
    counts = np.bincount(records(rounds, range(13 * 300)), minlength=10) / 300
    np.testing.assert_allclose(counts, 1.3, atol=0.08)


def test_any_place_can_be_asked_for_at_once():
    rounds = Rounds(6, np.array([1.0, 2.5, 1.0, 1.2, 3.0, 1.3]))
    far = 10**12
    assert records(rounds, range(35, 50)) == records(rounds, range(50))[35:]
    assert all(0 <= one < 6 for one in records(rounds, range(far, far + 20)))


def test_pictures_are_drawn_by_their_repeats():
    repeats = np.array([1.0, 8.0, 1.0])
    drawn = Rounds(3, repeats).drawn(5000, seeds(tf.constant(0, "int64"))).numpy()
    np.testing.assert_allclose(np.bincount(drawn) / 5000, repeats / 10, atol=0.02)
    alike = Rounds(3).drawn(3000, seeds(tf.constant(0, "int64"))).numpy()
    np.testing.assert_allclose(np.bincount(alike) / 3000, 1 / 3, atol=0.03)


@pytest.mark.parametrize("repeats", [[1.0, 0.5], [1.0], [1.0, np.inf], [1.0, np.nan]])
def test_repeats_that_make_no_sense_are_refused(repeats):
    with pytest.raises(ValueError, match=r"2 numbers from 1.*Received:"):
        Rounds(2, np.array(repeats))
