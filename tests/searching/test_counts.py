"""What a candidate costs, and the budget that it keeps."""

import numpy as np
import pytest

from keras_effspine import EffSpineNetBackbone
from keras_effspine.errors import SearchError
from keras_effspine.pretrained.find_pretrained import find_pretrained
from keras_effspine.profiling.profile_task import profile_task
from keras_effspine.searching import counts as module
from keras_effspine.searching.counts import Counts
from keras_effspine.searching.multiply_adds import DRAWN, MultiplyAdds, draw
from keras_effspine.topology.eff_spinenet import SPEC
from keras_effspine.training.recipe import Recipe
from keras_effspine.training.recipe_changes import override

pytestmark = pytest.mark.integration

CLASSES = ("circle", "square", "star")
M0 = Recipe(preset="m0", image_size=128)


def counts_of(recipe=M0, **changes):
    recipe = override(recipe, changes)
    return Counts(recipe, CLASSES, find_pretrained(recipe.preset))


@pytest.fixture(scope="module")
def counts():
    return counts_of()


def test_a_candidate_costs_what_its_model_does(counts):
    betas = (5, 1, 20, 15, 1, 10, 5, 20, 1, 15, 10, 5, 20, 1, 10, 15, 5, 20)
    built = profile_task("detection", "m0", 128, 3, {"betas": list(betas)}).total
    assert counts.cost(betas) == built
    assert counts.cost(SPEC.betas) == counts.own


def test_blocks_without_a_rule_are_counted_from_their_graph(counts, monkeypatch):
    betas = (1,) + (5,) * 17
    by_rule = counts.cost(betas)
    monkeypatch.setattr(module, "network_cost", lambda *_: None)
    assert counts_of().cost(betas) == by_rule


def test_most_random_candidates_are_near_the_target_and_have_fewer_parameters(counts):
    drawn = draw(counts.space(), counts, MultiplyAdds(counts), 0)
    equal = counts.cost(None)
    assert drawn.multiply_adds.shape == (DRAWN,)
    assert 0.5 < np.mean(np.abs(drawn.multiply_adds / equal.published - 1) < 0.2)
    assert np.mean(drawn.parameters < equal.parameters) > 0.5
    assert drawn.allowed.mean() > 0.5


def test_a_budget_that_no_candidate_meets_says_what_they_cost(counts):
    with pytest.raises(SearchError, match="allows none of 1000 random candidates") as caught:
        draw(counts.space(), counts, MultiplyAdds(counts, 1e6), 0)
    assert "the limit is 1,000,000 multiply-adds" in str(caught.value)


def test_backbones_without_betas_are_refused(counts):
    with pytest.raises(SearchError, match="has exact widths"):
        counts_of(**{"backbone.widths": 8})


def test_no_block_of_a_candidate_is_dead(counts):
    betas = (5, 1, 20, 15, 1, 10, 5, 20, 1, 15, 10, 5, 20, 1, 10, 1, 5, 20)
    backbone = EffSpineNetBackbone(betas=betas, width_multiplier=0.4)
    # Block 13, which nothing else reads, joins block 16 of another width.
    assert backbone.block_widths[12] != backbone.block_widths[15]
    roles = backbone.layer_roles()
    assert {role.block for role in roles.values() if role.part == "blocks"} == set(range(1, 19))
    assert set(roles) <= {layer.name for layer in backbone.layers}
