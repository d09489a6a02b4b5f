"""Precisions by name."""

import keras
import pytest

from keras_effspine.errors import RecipeError
from keras_effspine.training.precision import precision


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
