"""Recipes: what may stand in them, and what is said where something does not fit."""

import json
import pkgutil
import shutil

import keras_cv
import pydantic
import pytest
from keras_cv.src.utils.preset_utils import save_to_preset

from keras_effspine import EffSpineNetBackbone
from keras_effspine.errors import PresetError, RecipeError
from keras_effspine.pretrained.find_pretrained import find_pretrained
from keras_effspine.pretrained.shipped import list_presets
from keras_effspine.stream.augmentation import CommonAugmentation
from keras_effspine.tasks.backbone import build_backbone, check_backbone_arguments
from keras_effspine.tasks.registry import TASKS
from keras_effspine.training import recipes
from keras_effspine.training.preset_values import resolve_paths, resolve_preset
from keras_effspine.training.recipe import Data, Recipe, parse_recipe
from keras_effspine.training.recipe_changes import (
    differences,
    override,
    parse_setting,
)
from keras_effspine.training.recipes import find_recipe
from keras_effspine.training.train import train

NAMES = sorted(module.name for module in pkgutil.iter_modules(recipes.__path__))


def test_the_package_brings_recipes():
    assert "from_scratch" in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_recipe_of_the_package_holds_and_survives_json(name):
    recipe = find_recipe(name)
    assert recipe.task in TASKS
    assert recipe.preset in list_presets()
    assert parse_recipe(json.loads(json.dumps(recipe.model_dump(mode="json")))) == recipe
    assert resolve_preset(recipe)[0].image_size % 32 == 0


def test_the_recipe_for_voc_is_the_papers():
    recipe = find_recipe("voc_segmentation")
    assert (recipe.task, recipe.image_size, recipe.batch_size, recipe.steps) == (
        ("semantic_segmentation", 512, 256, 10_000)
    )
    rate = recipe.optimization
    assert (rate.schedule, rate.learning_rate, rate.warmup) == ("cosine", 0.05, 500)


def test_an_unknown_recipe_is_refused_with_those_there_are():
    with pytest.raises(RecipeError, match="Unknown recipe 'nope'. There are: .*from_scratch"):
        find_recipe("nope")


def test_a_recipe_cannot_be_changed():
    with pytest.raises(pydantic.ValidationError):
        find_recipe("from_scratch").seed = 3


def test_override_replaces_values_of_the_recipe_and_of_its_parts():
    before = Recipe(steps=10)
    after = override(
        before, {"seed": 5, "data.images": "x", "optimization.learning_rate": 1, "steps": 20}
    )
    assert (after.seed, after.data.images, after.steps) == (5, "x", 20)
    assert after.optimization.learning_rate == 1.0
    assert after.augmentation == before.augmentation
    assert before == Recipe(steps=10)
    assert override(before, {}) == before


def test_steps_and_epochs_replace_each_other():
    in_steps = Recipe(steps=10)
    in_epochs = override(in_steps, {"epochs": 3})
    assert (in_epochs.steps, in_epochs.epochs) == (None, 3)
    assert override(in_epochs, {"steps": 10}) == in_steps
    with pytest.raises(RecipeError, match="either steps or epochs"):
        override(in_steps, {"steps": 1, "epochs": 1})
    with pytest.raises(pydantic.ValidationError, match="either steps or epochs"):
        Recipe(steps=1, epochs=1)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("step", "steps"),
        ("batchsize", "batch_size"),
        ("data.imges", "data.images"),
        ("learning_rate", "optimization.learning_rate"),
        ("optimisation.learning_rate", "optimization.learning_rate"),
    ],
)
def test_an_unknown_name_is_refused_with_the_near_ones(name, near):
    with pytest.raises(RecipeError, match=f"no value '{name}'; did you mean .*{near}"):
        override(Recipe(steps=1), {name: 1})


@pytest.mark.parametrize("name", ["qqqq", "steps.deep", "data.data.deep", "a.b.c", ""])
def test_a_name_like_no_other_is_refused(name):
    with pytest.raises(RecipeError, match=f"A recipe has no value '{name}'"):
        override(Recipe(steps=1), {name: 1})


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"steps": 0}, "steps"),
        ({"steps": 1.5}, "steps"),
        ({"epochs": -1}, "epochs"),
        ({"batch_size": 0}, "batch_size"),
        ({"image_size": "large"}, "image_size"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**32}, "seed"),
        ({"evaluations": 0}, "evaluations"),
        ({"task": "cooking"}, "task: unknown task; there are: detection"),
        ({"optimization.learning_rate": 0}, "optimization.learning_rate"),
        ({"optimization.learning_rate": float("nan")}, "optimization.learning_rate"),
        ({"optimization.learning_rate": float("inf")}, "optimization.learning_rate"),
        ({"optimization.optimizer": "magic"}, "optimization.optimizer"),
        ({"optimization.warmup": 1.5}, "optimization: warmup is a share"),
        ({"optimization.weight_decay": -1}, "optimization.weight_decay"),
        ({"augmentation.scale_jitter": (1.2, 0.8)}, "augmentation.scale_jitter.*smaller one first"),
        ({"augmentation.scale_jitter": (0, 1)}, "augmentation.scale_jitter"),
        ({"augmentation.scale_jitter": (1,)}, "augmentation.scale_jitter"),
        ({"mosaic": 1.5}, "options.mosaic.*less than or equal to 1"),
        ({"augmentation.photometric": -0.1}, "augmentation.photometric"),
        ({"augmentation.photometric": float("nan")}, "augmentation.photometric"),
        ({"augmentation.vertical_flip": "maybe"}, "augmentation.vertical_flip"),
        ({"augmentation.rotation": True}, "no value 'augmentation.rotation'"),
        ({"batch_norm_momentum": 1.0}, "batch_norm_momentum"),
        ({"data.val_images": "x"}, "val_images is the folder of val_data"),
    ],
)
def test_a_value_that_does_not_fit_is_named_in_one_line(changes, named):
    with pytest.raises(RecipeError, match=named) as raised:
        override(Recipe(steps=1), changes)
    assert len(str(raised.value).splitlines()) == 1


def test_every_wrong_value_is_named_at_once():
    with pytest.raises(RecipeError, match="batch_size.*; .*seed"):
        override(Recipe(steps=1), {"seed": -1, "batch_size": -1})


def test_a_misspelt_name_in_a_recipe_is_refused():
    with pytest.raises(pydantic.ValidationError):
        Recipe(steps=1, sede=3)
    with pytest.raises(pydantic.ValidationError):
        CommonAugmentation(flips=True)


def test_the_image_size_is_the_presets_unless_the_recipe_names_one():
    for name, preset in list_presets("EffSpineNetBackbone").items():
        assert resolve_preset(Recipe(steps=1, preset=name))[0].image_size == preset.input_size
    assert resolve_preset(Recipe(steps=1, image_size=96))[0].image_size == 96


@pytest.mark.parametrize("size", [None, 96])
def test_an_unknown_preset_is_refused_with_those_there_are(size, tmp_path):
    for preset in ("m9", str(tmp_path)):
        with pytest.raises(PresetError, match="Unknown preset .*Known presets: n0, n1, m0, "):
            resolve_preset(Recipe(steps=1, preset=preset, image_size=size))


def test_a_preset_folder_says_its_image_size_or_needs_one(tmp_path):
    folder = list_presets()["m0"].folder
    assert resolve_preset(Recipe(steps=1, preset=str(folder)))[0].image_size == 256
    shutil.copy(folder / "config.json", tmp_path)
    with pytest.raises(RecipeError, match="give the image size"):
        resolve_preset(Recipe(steps=1, preset=str(tmp_path)))
    assert resolve_preset(Recipe(steps=1, preset=str(tmp_path), image_size=64))[0].image_size == 64


def test_the_backbone_is_the_presets_unless_the_recipe_names_its_arguments(tmp_path):
    config = json.loads((list_presets()["m0"].folder / "config.json").read_text())
    config["config"] |= {"activation": "relu", "stochastic_depth_rate": 0.5}
    (tmp_path / "config.json").write_text(json.dumps(config))

    def built(**arguments):
        recipe = Recipe(
            preset=str(tmp_path), image_size=64, backbone=arguments, batch_norm_momentum=None
        )
        return build_backbone(recipe, find_pretrained(recipe.preset), endpoint_width=8)

    kept = built()
    assert (kept.activation, kept.width_multiplier) == ("relu", 0.4)
    assert kept.endpoint_width == 8  # as the task asks
    assert kept.batch_norm_momentum == 0.99  # the class', until the recipe's is picked
    assert kept.stochastic_depth_rate == 0.0  # its training's, not the architecture's
    widths = [8] * 17 + [16]
    other = built(widths=widths, activation="swish", endpoint_width=16)
    assert other.block_widths == tuple(widths)
    assert (other.activation, other.endpoint_width) == ("swish", 16)


def test_a_preset_may_have_a_backbone_of_keras_cv(tmp_path):
    stacks = {"stackwise_blocks": [1, 1], "stackwise_strides": [1, 2]}
    resnet = keras_cv.models.ResNetBackbone(
        stackwise_filters=[8, 8], include_rescaling=True, **stacks
    )
    save_to_preset(resnet, str(tmp_path / "resnet"))
    recipe = Recipe(preset=str(tmp_path / "resnet"), image_size=64)
    recipe = override(recipe, {"backbone.stackwise_filters": [8, 16]})
    # It has no endpoints, whose width a task may ask for, and no momentum.
    backbone = build_backbone(*resolve_preset(recipe), endpoint_width=8)
    assert type(backbone) is keras_cv.models.ResNetBackbone
    assert backbone.stackwise_filters == [8, 16]
    with pytest.raises(RecipeError, match="backbone.stackwise_filter: ResNetBackbone has no such"):
        resolve_preset(override(recipe, {"backbone.stackwise_filter": [8, 16]}))


def test_arguments_that_a_class_hands_on_are_its_own_too():
    class Narrow(EffSpineNetBackbone):
        def __init__(self, *, endpoint_width=8, **kwargs):
            super().__init__(endpoint_width=endpoint_width, **kwargs)

    check_backbone_arguments(["endpoint_width", "betas", "stochastic_depth_rate"], Narrow)
    with pytest.raises(RecipeError, match="Narrow has no such argument; did you mean width_mult"):
        check_backbone_arguments(["width_multiplyer"], Narrow)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"betas": [1, 2]}, "needs 18 positive betas, one a block. Received: .1, 2."),
        ({"betas": 5}, "EffSpineNetBackbone refuses it"),
        ({"stochastic_depth_rate": 1.5}, "`stochastic_depth_rate` must lie in"),
        ({"activation": "magic"}, "magic"),
        ({"widths": "wide"}, "`widths` must be a positive int, or 18 of them"),
    ],
)
def test_a_value_that_the_backbone_refuses_ends_the_run_before_its_folder_is_made(
    arguments, reason, tmp_path
):
    recipe = Recipe(steps=1, data=Data(data="nowhere.json"), backbone=arguments)
    with pytest.raises(RecipeError, match=reason) as raised:
        train(recipe, tmp_path / "out", report=print, verbose=0)
    assert len(str(raised.value).splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_broken_preset_folder_is_named(tmp_path):
    for text, message in (("{", "config.json: not valid JSON"), ("[]", "holds no JSON object")):
        (tmp_path / "config.json").write_text(text)
        with pytest.raises(PresetError, match=message):
            resolve_preset(Recipe(preset=str(tmp_path)))


def test_paths_become_absolute_and_shapes_stays_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = Data(data="a.json", images="pictures", split="val", val_data="/b.json", val_split="x")
    found = resolve_paths(Recipe(steps=1, data=data)).data
    assert found.model_dump() == {
        "data": str(tmp_path / "a.json"),
        "images": str(tmp_path / "pictures"),
        "split": "val",
        "val_split": "x",
        "reserve": None,
        "val_data": "/b.json",
        "val_images": None,
    }
    assert resolve_paths(Recipe(steps=1)) == Recipe(steps=1)
    (tmp_path / "mine").mkdir()
    (tmp_path / "m0").mkdir()
    assert resolve_paths(Recipe(preset="mine")).preset == str(tmp_path / "mine")
    assert resolve_paths(Recipe(preset="m0")).preset == "m0"


def test_the_recipe_of_the_paper_is_that_of_section_5_1_1():
    recipe = find_recipe("coco_retinanet")
    o = recipe.optimization
    assert (recipe.batch_size, recipe.epochs, recipe.options.losses) == (256, 650, "paper")
    assert (o.optimizer, o.momentum, o.nesterov, o.learning_rate) == ("sgd", 0.9, False, 0.28)
    assert (o.schedule, o.drops) == ("step", ((30, 0.1), (10, 0.01)))
    assert (o.weight_decay, o.decay, o.clip_norm) == (4e-5, "l2", None)
    assert (o.warmup, o.warmup_start) == (2000, 0.0067)
    assert recipe.augmentation.scale_jitter == (0.1, 2.0)
    assert recipe.augmentation.flip
    assert recipe.batch_norm_momentum == 0.99
    assert recipe.backbone == {
        "activation": "swish",
        "squeeze_excitation_ratio": 0.2,
        "stochastic_depth_rate": 0.2,
    }


def test_each_column_of_table_4_is_one_value_and_all_make_the_full_recipe():
    columns = {
        "backbone.squeeze_excitation_ratio": 0.2,
        "augmentation.scale_jitter": (0.1, 2.0),
        "backbone.activation": "swish",
        "backbone.stochastic_depth_rate": 0.2,
    }
    baseline = find_recipe("coco_retinanet_baseline")
    assert baseline.epochs == 72
    length = {"epochs": 650, "evaluations": 65, "preset": "d0"}
    assert override(baseline, {**columns, **length}) == find_recipe("coco_retinanet")
    for name, value in columns.items():
        assert len(differences(baseline, override(baseline, {name: value}))) == 1


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("steps=20", ("steps", 20)),
        ("backbone.activation=relu", ("backbone.activation", "relu")),
        ("backbone.betas=[1, 2]", ("backbone.betas", [1, 2])),
        ("augmentation.scale_jitter=[0.5, 2]", ("augmentation.scale_jitter", [0.5, 2])),
        ("patience=null", ("patience", None)),
        ("data.data=a=b.json", ("data.data", "a=b.json")),
    ],
)
def test_a_setting_is_a_name_and_a_value(text, parsed):
    assert parse_setting(text) == parsed


def test_a_setting_without_a_value_is_refused():
    with pytest.raises(RecipeError, match="write NAME=VALUE"):
        parse_setting("steps")


def test_a_strategy_does_not_make_another_recipe():
    assert differences(Recipe(), Recipe(strategy="cpu")) == []


def test_another_backbone_makes_another_recipe():
    relu = override(Recipe(), {"backbone.activation": "relu"})
    assert differences(Recipe(), relu) == ["backbone.activation: the preset's; now relu"]
    assert differences(relu, Recipe()) == ["backbone.activation: relu; now the preset's"]
    assert differences(relu, override(relu, {"backbone": {"activation": "relu"}})) == []
    assert relu.backbone == {"activation": "relu"} and Recipe().backbone == {}
    assert override(Recipe(), {"activation": "relu"}) == relu  # its name in earlier versions


def test_an_argument_of_the_backbone_is_set_beside_those_that_are():
    relu = Recipe(backbone={"activation": "relu"})
    both = override(relu, {"backbone.betas": [1] * 18})
    assert both.backbone == {"activation": "relu", "betas": [1] * 18}
    assert relu.backbone == {"activation": "relu"}


@pytest.mark.parametrize("value", [5, ["activation"], {"activation": print}, {"betas": {1, 2}}])
def test_a_backbone_is_a_dictionary_of_plain_values(value):
    with pytest.raises(RecipeError, match="backbone"):
        override(Recipe(), {"backbone": value})


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("beta", "EffSpineNetBackbone has no such argument; did you mean betas"),
        ("qqqq", "it has width_multiplier, .*betas, .*batch_norm_epsilon, include_rescaling\\.$"),
        ("input_shape", "no such argument"),
        ("batch_norm_momentum", "set the recipe's own value batch_norm_momentum"),
    ],
)
def test_what_the_backbones_class_does_not_take_is_named(name, hint):
    recipe = override(Recipe(), {f"backbone.{name}": 1})
    with pytest.raises(RecipeError, match=f"backbone.{name}: .*{hint}"):
        resolve_preset(recipe)


def test_values_of_the_backbone_in_files_of_earlier_versions_are_found():
    plain = {"activation": "swish", "squeeze_excitation": True, "stochastic_depth_rate": 0.0}
    assert parse_recipe(plain) == parse_recipe(dict.fromkeys(plain)) == Recipe()
    other = {"activation": "relu", "squeeze_excitation": False, "stochastic_depth_rate": 0.2}
    assert parse_recipe(other).backbone == {
        "squeeze_excitation_ratio": None,
        "activation": "relu",
        "stochastic_depth_rate": 0.2,
    }
