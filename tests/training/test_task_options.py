"""A task's own options in a recipe."""

import json
import warnings

import pydantic
import pytest

from keras_effspine.errors import RecipeError
from keras_effspine.stream.augmentation import Augmentation, CommonAugmentation
from keras_effspine.tasks.classification import ClassificationOptions
from keras_effspine.tasks.detection import DetectionOptions
from keras_effspine.tasks.registry import TASKS, find_task
from keras_effspine.training.recipe import Recipe, parse_recipe
from keras_effspine.training.recipe_changes import differences, override
from keras_effspine.training.recipes import find_recipe


def of_run(recipe):
    return parse_recipe(json.loads(json.dumps(recipe.model_dump(mode="json"))))


@pytest.mark.parametrize("task", TASKS)
def test_a_recipe_has_the_options_of_its_task_and_survives_json(task):
    recipe = Recipe(task=task)
    assert type(recipe.options) is find_task(task).options
    assert recipe.options == find_task(task).options()
    assert of_run(recipe) == recipe


def test_options_are_given_as_a_dictionary_as_their_class_or_by_name():
    given = {"label_smoothing": 0.1, "rand_augment": (2, 9)}
    recipe = Recipe(task="classification", options=given)
    assert recipe.options == ClassificationOptions(**given)
    assert recipe == Recipe(task="classification", options=ClassificationOptions(**given))
    assert recipe == Recipe(task="classification", **given)
    assert recipe == override(Recipe(), {"task": "classification", **given})
    assert recipe == override(
        Recipe(task="classification"), {f"options.{k}": given[k] for k in given}
    )
    assert recipe == of_run(recipe)
    (difference,) = differences(recipe, override(recipe, {"label_smoothing": 0.2}))
    assert difference == "options.label_smoothing: 0.1; now 0.2"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"label_smoothing": 0.1}, "label_smoothing is an option of classification; detection has"),
        (
            {"task": "classification", "mosaic": 0.5},
            "mosaic is an option of detection, semantic_segmentation and instance_segmentation",
        ),
        ({"losses": "mine"}, "options.losses: Input should be 'keras_cv' or 'paper'"),
        ({"mosaic": 1.5}, "options.mosaic: .*less than or equal to 1"),
        ({"mosaic": float("nan")}, "options.mosaic"),
        ({"losess": "paper"}, "no value 'losess'; did you mean losses"),
        ({"options": {"losess": "paper"}}, "options.losess: Extra inputs"),
        ({"options": {"label_smoothing": 0.1}}, "label_smoothing is an option of classification"),
        ({"options": "all"}, "options: Input should be a valid dictionary"),
        ({"options": ClassificationOptions()}, "classifier_backbone is an option of classific"),
    ],
)
def test_an_option_that_does_not_fit_is_named_with_those_that_do(changes, message):
    with pytest.raises(RecipeError, match=message) as raised:
        override(Recipe(), changes)
    assert len(str(raised.value).splitlines()) == 1


def test_options_cannot_be_changed_and_names_of_others_are_refused_in_python():
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        Recipe().options.losses = "paper"
    with pytest.raises(pydantic.ValidationError, match="losses is an option of detection; classif"):
        Recipe(task="classification", losses="paper")
    with pytest.raises(pydantic.ValidationError, match="rand_augment is an option of classificat"):
        Recipe(augmentation=Augmentation(rand_augment=(1, 9)))


def test_a_recipe_for_one_task_says_so_where_another_is_asked_for():
    with pytest.raises(RecipeError) as raised:
        override(find_recipe("coco_retinanet"), {"task": "semantic_segmentation"})
    assert str(raised.value) == (
        "The recipe is for detection: it sets losses='paper', which semantic_segmentation does not "
        "have. Leave the task at detection, or start from another recipe."
    )
    both = override(Recipe(mosaic=0.5), {"task": "semantic_segmentation"})
    assert both.options.mosaic == 0.5  # which both tasks have
    assert override(find_recipe("fine_tune"), {"task": "classification"}).task == "classification"


def test_recipes_of_earlier_versions_are_read():
    augmentation = {"mosaic": 0.5, "rand_augment": [0, 0], "flip": False}
    written = {"losses": "paper", "label_smoothing": 0.0, "classifier_backbone": None}
    recipe = parse_recipe({"task": "detection", "augmentation": augmentation, **written})
    assert recipe.options == DetectionOptions(losses="paper", mosaic=0.5)
    assert recipe.augmentation == CommonAugmentation(flip=False)
    assert override(Recipe(), {"augmentation.mosaic": 0.5}) == Recipe(mosaic=0.5)
    with pytest.raises(RecipeError, match="label_smoothing is an option of classification"):
        parse_recipe({"task": "detection", "label_smoothing": 0.1})


def test_a_task_is_known_by_its_former_name_which_is_noted_once():
    for make in (
        lambda: Recipe(task="segmentation"),
        lambda: override(Recipe(), {"task": "segmentation"}),
        lambda: parse_recipe({"task": "segmentation", "losses": "keras_cv"}),
    ):
        with warnings.catch_warnings(record=True) as noted:
            warnings.simplefilter("always")
            assert make() == Recipe(task="semantic_segmentation")
        assert [str(note.message) for note in noted] == [
            "The task 'segmentation' is called 'semantic_segmentation' now."
        ]


@pytest.mark.parametrize("task", ["cooking", ["detection"], None, 3])
def test_an_unknown_task_is_refused_with_those_there_are(task):
    with pytest.raises(RecipeError, match="task: .*"):
        parse_recipe({"task": task})
    with pytest.raises(RecipeError, match="task: unknown task; there are: detection"):
        override(Recipe(), {"task": task})


def test_the_stream_is_told_what_the_recipe_and_the_options_say():
    recipe = Recipe(augmentation=CommonAugmentation(flip=False), mosaic=0.5)
    told = find_task("detection").augmentation(recipe)
    assert told == Augmentation(flip=False, mosaic=0.5)
    assert told.images_a_sample == 4
    recipe = Recipe(task="classification", rand_augment=(2, 9))
    assert find_task("classification").augmentation(recipe) == Augmentation(rand_augment=(2, 9))
