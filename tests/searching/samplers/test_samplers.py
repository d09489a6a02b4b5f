"""Every algorithm learns, and repeats itself from its seed."""

import importlib.util

import numpy as np
import pytest

from keras_effspine.errors import SearchError
from keras_effspine.searching.samplers.advantage import Advantage
from keras_effspine.searching.samplers.evolution import Evolution
from keras_effspine.searching.samplers.registry import ALGORITHMS, make_sampler
from keras_effspine.searching.samplers.reinforce import Reinforce

BLOCKS, CHOICES = 6, 4
WEIGHTS = np.random.default_rng(0).normal(size=(BLOCKS, CHOICES))
BEST = tuple(int(n) for n in WEIGHTS.argmax(axis=1))


def value(candidate):
    """0 for the best candidate, less for all others."""
    return float(WEIGHTS[range(BLOCKS), candidate].sum() - WEIGHTS.max(axis=1).sum())


def run(sampler, count, noise=0.3, seed=0, open_at_a_time=1):
    """Asks and tells; the candidates that were asked for."""
    random, waiting, asked = np.random.default_rng(seed), [], []
    for _ in range(count):
        waiting.append(sampler.ask())
        asked.append(waiting[-1])
        if len(waiting) >= open_at_a_time:
            candidate = waiting.pop(0)
            sampler.tell(candidate, value(candidate) + noise * random.normal())
    return asked


def made(name, seed=0):
    if name in ("tpe", "cmaes") and importlib.util.find_spec("optuna") is None:
        pytest.skip("optuna is not installed")
    return make_sampler(name, BLOCKS, CHOICES, seed)


NOT_TRACED = [name for name in ALGORITHMS if name != "lstm"]


@pytest.mark.parametrize("name", NOT_TRACED)
def test_the_same_seed_and_scores_lead_to_the_same_candidates(name):
    asked = run(made(name), 30, open_at_a_time=3)
    assert asked == run(made(name), 30, open_at_a_time=3)
    assert asked != run(made(name, seed=1), 30, open_at_a_time=3)
    assert all(len(c) == BLOCKS and set(c) <= set(range(CHOICES)) for c in asked)
    assert all(type(place) is int for candidate in asked for place in candidate)


@pytest.mark.parametrize("name", NOT_TRACED)
def test_a_candidate_without_a_score_is_learnt_nothing_from(name):
    sampler = made(name)
    for _ in range(3):
        sampler.tell(sampler.ask(), None)
    if name != "reinforce":
        with pytest.raises(LookupError):
            sampler.recommend()
    run(sampler, 10)
    assert len(sampler.recommend()) == BLOCKS


@pytest.mark.parametrize(
    ("name", "count"),
    [("reinforce", 400), ("evolution", 200), ("tpe", 100), ("cmaes", 200)],
)
def test_what_is_recommended_is_better_than_what_is_drawn(name, count):
    random = [value(candidate) for candidate in run(made("random"), 200)]
    found = [made(name, seed) for seed in range(2)]
    for sampler in found:
        run(sampler, count)
    assert np.mean([value(one.recommend()) for one in found]) > np.quantile(random, 0.97)


@pytest.mark.integration
def test_the_recurrent_controller_learns_and_repeats_itself():
    random = [value(candidate) for candidate in run(made("random"), 200)]
    one, other = made("lstm"), made("lstm")
    one.tell(one.ask(), None)
    other.tell(other.ask(), None)
    assert run(one, 300) == run(other, 300)
    assert value(one.recommend()) > np.quantile(random, 0.97)
    assert one.recommend() == other.recommend()


def test_reinforce_recommends_its_mode_and_not_the_best_of_noisy_scores():
    sampler = Reinforce(BLOCKS, CHOICES, 0)
    run(sampler, 500, noise=0.3)
    assert sampler.recommend() == tuple(int(n) for n in sampler.probabilities.argmax(axis=1))
    lucky = tuple((place + 1) % CHOICES for place in sampler.recommend())
    sampler.tell(lucky, 100.0)
    assert sampler.recommend() != lucky
    assert value(sampler.recommend()) > -0.5


def test_reinforce_learns_alike_from_rewards_of_any_scale_and_origin():
    one, other = Reinforce(BLOCKS, CHOICES, 0), Reinforce(BLOCKS, CHOICES, 0)
    for _ in range(50):
        candidate, same = one.ask(), other.ask()
        assert candidate == same
        one.tell(candidate, value(candidate))
        other.tell(candidate, 30 + 0.001 * value(candidate))
    np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-6)


def test_entropy_keeps_the_policy_open():
    def entropy(weight):
        sampler = Reinforce(BLOCKS, CHOICES, 0, entropy=weight)
        run(sampler, 300)
        chances = sampler.probabilities
        return -(chances * np.log(chances + 1e-12)).sum()

    assert entropy(0.5) > 1.5 * entropy(0.0)


def test_the_first_score_is_no_better_than_usual_and_equal_ones_stay_so():
    advantage = Advantage()
    assert advantage.of(0.3) == 0.0
    assert advantage.of(0.3) == 0.0
    assert advantage.of(0.5) > 0 > advantage.of(0.1)


def test_evolution_changes_one_choice_of_one_that_lives_and_lets_the_oldest_die():
    sampler = Evolution(BLOCKS, CHOICES, 0, population=5, tournament=5)
    first = run(sampler, 5, noise=0.0)
    parent = max(first, key=value)
    child = sampler.ask()
    assert sum(a != b for a, b in zip(parent, child, strict=True)) == 1
    for _ in range(5):
        sampler.tell(first[0], -50.0)
    assert sampler.ask() != child
    changed = sum(a != b for a, b in zip(first[0], sampler.ask(), strict=True))
    assert changed == 1, "the best has died of age"


def test_unknown_algorithms_are_named_with_those_that_there_are():
    with pytest.raises(SearchError, match="Unknown algorithm 'luck'. There are: reinforce, lstm"):
        make_sampler("luck", 2, 2, 0)


def test_without_optuna_its_algorithms_say_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    with pytest.raises(SearchError, match=r"pip install 'keras-effspine\[search\]'"):
        make_sampler("tpe", 2, 2, 0)
