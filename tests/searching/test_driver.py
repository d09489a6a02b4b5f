"""What is tried depends on the seed and the scores alone, and a search goes on where it was."""

import functools
import random

import pytest
from planted_search import SPACE, Generous, Planted

from keras_effspine.errors import DataError, SearchError
from keras_effspine.searching.driver import COMPARED_WITH, Driver
from keras_effspine.searching.job import run_job
from keras_effspine.searching.pool import ThisProcess
from keras_effspine.searching.samplers.registry import make_sampler
from keras_effspine.searching.search_folder import SearchFolder


class AnyOrder(ThisProcess):
    """Evaluates what waits in a random order, as workers of different speed would."""

    def __init__(self, evaluator, folder, seed):
        super().__init__(evaluator, folder)
        self.random = random.Random(seed)
        self.most = 0

    def wait(self):
        self.most = max(self.most, len(self._waiting))
        self._waiting.rotate(self.random.randrange(10))
        return super().wait()


@pytest.fixture
def drive(tmp_path):
    """Function that makes a driver in a folder, with a planted evaluator that keeps a diary."""

    def make(
        name="one", window=4, order=0, stop_below=0.0, limit=1e9, algorithm="evolution", **planted
    ):
        evaluator = Planted(tmp_path / f"{name}.diary", **planted)
        with SearchFolder.claim(tmp_path / name, {"planted": 1}) as folder:
            pass
        pool = AnyOrder(evaluator, folder.path, order)
        sampler = make_sampler(algorithm, SPACE.blocks, len(SPACE.choices), 0)
        driver = Driver(SPACE, sampler, Generous(limit), folder, pool, 0, stop_below)
        driver.evaluator, driver.pool, driver.sampler = evaluator, pool, sampler
        driver.run = functools.partial(driver.run, window=window)
        return driver

    return make


def asked(state):
    return [sample.candidate for sample in state.samples]


def test_the_order_in_which_workers_are_ready_has_no_say(drive):
    one, other = drive("one", order=1).run(60), drive("other", order=2).run(60)
    assert asked(one) == asked(other)
    assert {k: r.score for k, r in one.results.items()} == {
        k: r.score for k, r in other.results.items()
    }


def test_so_many_samples_are_open_as_the_window_allows(drive):
    driver = drive(window=4, algorithm="random")
    driver.run(40)
    assert driver.pool.most == 4
    assert driver.state.told == 40


def test_no_network_is_evaluated_twice_however_often_it_is_asked_for(drive):
    driver = drive(algorithm="evolution")
    state = driver.run(150)
    keys = [sample.key for sample in state.samples]
    assert len(set(keys)) < len(keys), "the space is small"
    assert len(driver.evaluator.begun()) == len(set(keys)) == state.evaluated


@pytest.mark.parametrize("algorithm", ["reinforce", "evolution", "random"])
def test_a_search_that_goes_on_ends_as_one_that_was_left_alone(drive, algorithm):
    whole = drive("whole", algorithm=algorithm)
    whole.run(50)
    for count in (7, 23, 23, 50):
        driver = drive("parts", algorithm=algorithm, order=count)
        driver.run(count)
    assert asked(driver.state) == asked(whole.state)
    assert driver.sampler.recommend() == whole.sampler.recommend()
    assert sorted(driver.evaluator.begun()) == sorted(whole.evaluator.begun())


def test_results_that_were_finished_while_nobody_listened_are_not_made_again(drive):
    driver = drive("lost", algorithm="random", window=6)
    state = driver.state
    state.count = 6
    # The driver is gone by the time when its workers write their results.
    for _ in range(6):
        candidate = driver.sampler.ask()
        key = driver._key(candidate, 0)
        driver.start(key, SPACE.betas(candidate), 0, {})
    for job in driver.pool._waiting:
        run_job(driver.evaluator, job, driver.pool._folder)
    again = drive("lost", algorithm="random", window=6)
    again.run(6)
    assert again.state.evaluated == 0
    assert len(again.evaluator.begun()) == 6


def test_a_candidate_that_fails_has_no_score_and_the_search_goes_on(drive):
    driver = drive(algorithm="random", fails=(1, 1, 2, 1, 3, 2))
    driver._sampler.ask = iter([(0, 0, 1, 0, 2, 1), (2,) * 6]).__next__
    state = driver.run(2)
    failed, scored = (state.results[sample.key] for sample in state.samples)
    assert failed.score is None and failed.failure == "as planned"
    assert scored.score == 1.0
    assert driver.sampler.recommend() == (2,) * 6


def test_what_no_candidate_can_do_better_in_ends_the_search(drive):
    driver = drive(error=DataError("x.json: gone."))
    with pytest.raises(DataError, match="x.json: gone"):
        driver.run(3)


def test_candidates_over_the_budget_are_never_evaluated(drive):
    driver = drive(algorithm="random", limit=11)
    driver.run(30)
    spent = [sum(map(int, line.split()[:6])) for line in driver.evaluator.begun()]
    assert max(spent) <= 11
    with pytest.raises(SearchError, match="1000 candidates in a row cost more than the budget"):
        drive("none", algorithm="random", limit=5).run(1)


def test_those_far_behind_are_stopped_once_enough_were_measured(drive):
    driver = drive(algorithm="random", stop_below=0.5, steps=4)
    state = driver.run(60)
    results = [state.results[sample.key] for sample in state.samples]
    assert all(result.is_whole for result in results[:COMPARED_WITH])
    stopped = [result for result in results if not result.is_whole]
    assert 5 < len(stopped) < 45
    assert all(len(result.scores) < 4 or result.scores[4] == result.score for result in stopped)
    whole = [result.score for result in results if result.is_whole]
    assert max(whole) == max(result.score for result in results)
    assert all(r.is_whole for r in drive("none", stop_below=0.0, steps=4).run(20).results.values())
