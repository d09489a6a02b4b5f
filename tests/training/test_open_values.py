"""Values that follow from the size of the data set."""

import pytest

from keras_effspine.training.open_values import pick_open_values
from keras_effspine.training.optimization import Optimization
from keras_effspine.training.preset_values import resolve_preset
from keras_effspine.training.recipe import Recipe
from keras_effspine.training.recipe_changes import override
from keras_effspine.training.recipes import find_recipe
from keras_effspine.training.run_length import count_steps


@pytest.mark.parametrize(
    ("images", "epochs", "momentum"),
    [
        (3, 2667, 0.94),
        (50, 160, 0.94),
        (205, 100, 0.9766),
        (292, 82, 0.98),
        (2400, 10, 0.98),
        (118287, 8, 0.99),
    ],
)
def test_small_sets_are_seen_more_often_and_long_runs_look_back_further(images, epochs, momentum):
    recipe, reasons = pick_open_values(find_recipe("fine_tune"), images)
    assert (recipe.epochs, recipe.steps) == (epochs, None)
    assert recipe.batch_norm_momentum == momentum
    assert len(reasons) == 4
    assert f"{epochs} epochs: {images} pictures are seen {epochs * images:,} times" in reasons[0]
    steps, _ = count_steps(recipe, images)
    assert f"in {steps:,} steps" in reasons[0]
    assert steps >= 1000
    assert abs(steps * recipe.batch_size - epochs * images) <= recipe.batch_size
    assert f"{momentum:g}" in reasons[2]


@pytest.mark.parametrize(("batch_size", "rate"), [(2, 0.01), (8, 0.02), (32, 0.04)])
def test_the_learning_rate_grows_with_the_root_of_the_batch(batch_size, rate):
    recipe = override(find_recipe("fine_tune"), {"batch_size": batch_size})
    assert pick_open_values(recipe, 300)[0].optimization.learning_rate == rate


def test_batches_that_make_one_update_count_as_one_for_the_learning_rate():
    changes = {"batch_size": 4, "optimization.accumulate": 8}
    recipe, reasons = pick_open_values(override(find_recipe("fine_tune"), changes), 300)
    assert recipe.optimization.learning_rate == 0.04
    assert "here 32." in reasons[1]


def test_what_is_given_is_kept_and_not_talked_about():
    recipe = Recipe(steps=7, optimization=Optimization(learning_rate=0.5), batch_norm_momentum=0.7)
    assert pick_open_values(recipe, 300) == (recipe, [])
    short = override(find_recipe("fine_tune"), {"steps": 60})
    picked, reasons = pick_open_values(short, 300)
    assert (picked.steps, picked.epochs, picked.batch_norm_momentum) == (60, None, 0.9)
    assert len(reasons) == 3


@pytest.mark.parametrize(
    ("batch_size", "frozen"), [(2, "batch_norm"), (7, "batch_norm"), (8, "nothing")]
)
def test_normalisation_is_frozen_where_batches_are_small(batch_size, frozen):
    recipe = override(find_recipe("fine_tune"), {"batch_size": batch_size})
    picked, reasons = pick_open_values(recipe, 300)
    assert picked.frozen == frozen
    assert f"{batch_size} pictures" in reasons[-1]
    given = override(recipe, {"frozen": "backbone"})
    assert pick_open_values(given, 300)[0].frozen == "backbone"


def test_where_there_are_no_weights_nothing_is_frozen():
    recipe = override(find_recipe("fine_tune"), {"batch_size": 2})
    assert resolve_preset(recipe)[0].frozen == "nothing"
    assert resolve_preset(override(recipe, {"preset": "m1_bccd"}))[0].frozen is None


@pytest.mark.parametrize(
    ("changes", "rate", "start"),
    [
        ({"batch_size": 8}, 0.28 / 32, 0.0067 / 32),
        ({"batch_size": 64, "optimization.accumulate": 2}, 0.14, 0.00335),
        ({"batch_size": 512}, 0.56, 0.0134),
    ],
)
def test_the_papers_rate_follows_the_batch_and_it_is_said(changes, rate, start):
    recipe, reasons = pick_open_values(override(find_recipe("coco_retinanet"), changes), 118287)
    assert recipe.optimization.learning_rate == pytest.approx(rate)
    assert recipe.optimization.warmup_start == pytest.approx(start)
    (reason,) = reasons
    assert f"learning rate {rate:g}: the recipe's 0.28 is for batches of 256" in reason
    assert pick_open_values(recipe, 118287) == (recipe, []), "once is enough"


def test_a_rate_that_is_given_or_fits_its_batch_is_not_scaled():
    recipe = find_recipe("coco_retinanet")
    assert pick_open_values(recipe, 118287) == (recipe, [])
    own = override(recipe, {"batch_size": 8, "optimization.learning_rate": 0.1})
    assert pick_open_values(own, 118287)[0].optimization.learning_rate == 0.1
