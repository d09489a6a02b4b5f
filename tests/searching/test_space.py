"""Which networks there are to search."""

import numpy as np
import pytest
from planted_search import SPACE

from keras_effspine.errors import SearchError
from keras_effspine.searching.space import BETAS, SearchSpace
from keras_effspine.topology.eff_spinenet import SPEC

D0 = SearchSpace(SPEC)


def test_the_papers_set_and_its_own_distribution_are_in_the_space():
    assert BETAS == (1, 5, 10, 15, 20)
    candidate = tuple(BETAS.index(beta) for beta in SPEC.betas)
    assert D0.betas(candidate) == SPEC.betas
    assert D0.widths(D0.betas(candidate)) == SPEC.widths()
    assert D0.widths(None) == SPEC.table.widths


def test_betas_are_shares_so_that_a_common_factor_changes_nothing():
    random = np.random.default_rng(0)
    for _ in range(20):
        betas = D0.betas(D0.sample(random))
        assert D0.widths(betas) == D0.widths(tuple(7 * beta for beta in betas))


def test_samples_are_spread_over_all_choices():
    random = np.random.default_rng(0)
    drawn = np.array([D0.sample(random) for _ in range(500)])
    assert drawn.shape == (500, 18)
    shares = np.stack([(drawn == place).mean(axis=0) for place in range(5)])
    assert shares.min() > 0.12 and shares.max() < 0.28


def test_any_table_and_any_set_make_a_space():
    assert SPACE.blocks == 6
    assert SPACE.betas((0, 1, 2, 0, 1, 2)) == (1, 2, 3, 1, 2, 3)
    narrow = SearchSpace(SPACE.spec, (0.5, 4.0), width_multiplier=0.5)
    assert max(narrow.widths(None)) == 48


@pytest.mark.parametrize("choices", [(), (5,), (5, 1), (0, 1), (-1, 1), (1, 1, 2)])
def test_a_set_that_offers_no_choice_is_refused(choices):
    with pytest.raises(SearchError, match="two positive numbers at least, in rising order"):
        SearchSpace(SPEC, choices)
