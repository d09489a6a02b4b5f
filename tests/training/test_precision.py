"""Precisions by name."""

import keras
import pytest
import tensorflow as tf

import keras_effspine
from keras_effspine.errors import RecipeError
from keras_effspine.training.precision import check_precision, precision
from keras_effspine.training.recipe_changes import override
from keras_effspine.training.train import train

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    ("name", "computed"), [("float32", "float32"), ("bfloat16",) * 2, ("float16",) * 2]
)
def test_layers_made_within_compute_in_it_and_keep_weights_in_float32(name, computed):
    with precision(name):
        layer = keras.layers.Dense(1)
    assert (layer.compute_dtype, layer.variable_dtype) == (computed, "float32")
    assert keras.config.dtype_policy().name == "float32"


def test_an_error_within_leaves_the_policy_as_it_was():
    with pytest.raises(ZeroDivisionError), precision("bfloat16"):
        1 / 0  # noqa: B018
    assert keras.config.dtype_policy().name == "float32"


@pytest.mark.parametrize("name", ["half", "mixed_bfloat16", None])
def test_an_unknown_precision_is_refused_with_the_names_of_the_known(name):
    with pytest.raises(RecipeError, match="Unknown precision .* float32, bfloat16, float16"):
        precision(name)


def test_bfloat16_on_a_cpu_is_refused_where_its_gradients_are_wrong():
    if tf.config.list_physical_devices("GPU"):
        pytest.skip("this machine has a GPU")
    with pytest.raises(RecipeError, match="at least 128 px, .* here they have 64 px"):
        check_precision("bfloat16", 64)
    check_precision("bfloat16", 128)
    check_precision("float16", 64)


def test_a_run_in_bfloat16_keeps_its_weights_in_float32(counting_recipe, tmp_path):
    recipe = override(counting_recipe, {"precision": "bfloat16", "image_size": 128, "steps": 2})
    folder, _ = train(override(recipe, {"evaluations": 1}), tmp_path / "run", verbose=0)
    model = keras_effspine.load_model(folder.path, last=True)
    layer = next(one for one in model.layers if one.weights)
    assert (layer.compute_dtype, layer.variable_dtype) == ("bfloat16", "float32")
