"""Whether a proxy can tell candidates apart is found out from repeats."""

import numpy as np
import pytest
from planted_search import SPACE, Generous, Planted

from keras_effspine.errors import SearchError
from keras_effspine.searching.driver import Driver
from keras_effspine.searching.evaluator import Outcome
from keras_effspine.searching.pool import ThisProcess
from keras_effspine.searching.rehearsal import Rehearsal, ranks, rehearse
from keras_effspine.searching.samplers.registry import make_sampler
from keras_effspine.searching.search_folder import SearchFolder


def rehearsal_of(scores):
    scores = np.array(scores, "float64")
    names = tuple(f"candidate {n}" for n in range(len(scores)))
    return Rehearsal(names, ((1.0,),) * len(scores), scores)


def test_a_proxy_that_tells_candidates_apart_is_not_warned_of():
    good = rehearsal_of([[0.1, 0.11, 0.1], [0.2, 0.22, 0.21], [0.3, 0.28, 0.31], [0.4, 0.41, 0.4]])
    assert good.warnings == []
    assert good.correlation == pytest.approx(1.0)
    assert good.variation == pytest.approx(good.scores.std(axis=1, ddof=1) / good.scores.mean(1))
    assert good.spread > 5 * good.noise


def test_a_proxy_of_noise_alone_is_warned_of():
    noise = np.random.default_rng(1).normal(0.3, 0.05, (6, 3))
    bad = rehearsal_of(noise)
    assert len(bad.warnings) == 2
    assert "rank correlation" in bad.warnings[0]
    assert "less than" in bad.warnings[1]


def test_candidates_that_are_all_alike_cannot_be_told_apart():
    alike = rehearsal_of([[0.0, 0.0]] * 3)
    assert alike.correlation == 0.0
    assert alike.warnings


def test_equal_values_share_their_rank():
    np.testing.assert_array_equal(ranks(np.array([5.0, 1.0, 5.0, 0.0])), [2.5, 1.0, 2.5, 0.0])


class Failing(Planted):
    def evaluate(self, betas, seed, folder, floors):
        return Outcome(None, failure="no memory")


def drive(tmp_path, evaluator):
    with SearchFolder.claim(tmp_path / "search", {}) as folder:
        pass
    sampler = make_sampler("random", SPACE.blocks, 3, 0)
    pool = ThisProcess(evaluator, folder.path)
    return Driver(SPACE, sampler, Generous(), folder, pool, 0, 0.0)


def test_each_candidate_is_evaluated_with_each_seed_and_once(tmp_path):
    evaluator = Planted(tmp_path / "diary")
    found = rehearse(drive(tmp_path, evaluator), SPACE, seed=7, references=4, repeats=3)
    assert found.scores.shape == (4, 3)
    assert found.names[0] == "equal betas"
    begun = evaluator.begun()
    assert len(begun) == len(set(begun)) == 12
    assert {line.split()[-1] for line in begun} == {"7", "8", "9"}
    again = rehearse(drive(tmp_path, evaluator), SPACE, seed=7, references=4, repeats=3)
    np.testing.assert_array_equal(again.scores, found.scores)
    assert len(evaluator.begun()) == 12
    assert found.as_json()["rank_correlation"] == pytest.approx(found.correlation)


def test_a_candidate_without_a_score_ends_the_rehearsal(tmp_path):
    with pytest.raises(SearchError, match="no memory"):
        rehearse(drive(tmp_path, Failing()), SPACE, seed=0, references=3, repeats=2)
