"""Which measurement is the best, and when it is time to end."""

import pytest

from keras_effspine.training.history import History


def history_of(scores, patience=None, patient_until=0):
    history = History([], patience, patient_until)
    for number, score in enumerate(scores, start=1):
        history.add(10 * number, {"AP": score, "AP50": 0.9})
    return history


@pytest.mark.parametrize(
    ("scores", "best"),
    [
        ([0.1, 0.3, 0.2], 20),
        ([0.2, 0.2], 10),
        ([None, 0.0], 20),
        ([None, None], 10),
    ],
)
def test_the_best_is_the_first_with_the_highest_score(scores, best):
    assert history_of(scores).best["step"] == best


def test_before_the_first_measurement_nothing_is_best_or_exhausted():
    history = history_of([], patience=1)
    assert history.best is None
    assert not history.is_exhausted
    assert not history.holds(10)


@pytest.mark.parametrize(
    ("patience", "patient_until", "exhausted"),
    [(None, 0, False), (3, 0, True), (4, 0, False), (2, 30, True), (2, 35, False), (1, 50, False)],
)
def test_measurements_count_from_the_best_on_and_once_the_rate_has_fallen(
    patience, patient_until, exhausted
):
    history = history_of([0.5, 0.4, 0.4, 0.4], patience, patient_until)
    assert history.is_exhausted == exhausted


@pytest.mark.parametrize(
    ("scores", "ends"), [([0.3, 0.3], False), ([0.3, 0.2], True), ([0.1, 0.3], False)]
)
def test_a_run_whose_last_measurement_is_below_its_floor_is_to_end(scores, ends):
    entries = [{"step": 10 * n, "AP": score} for n, score in enumerate(scores, start=1)]
    history = History(entries, None, floors={10: 0.25, 20: 0.25})
    assert history.is_below_floor == history.is_exhausted == ends
    assert not History([], None, floors={0: 1.0}).is_exhausted


def test_a_measurement_that_is_made_again_replaces_those_after_it():
    history = history_of([0.1, 0.2, 0.3])
    history.add(20, {"AP": 0.05})
    assert [past["step"] for past in history.entries] == [10, 20]
    assert history.best == {"step": 10, "AP": 0.1, "AP50": 0.9}
