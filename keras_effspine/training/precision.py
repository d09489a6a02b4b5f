"""Numbers that a model computes in."""

import contextlib

import keras

from keras_effspine.errors import RecipeError

POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}
"""From a precision's name to the Keras dtype policy."""


@contextlib.contextmanager
def precision(name):
    """Models that are built within the context compute in this precision, for all their life.

    Weights, the heads' outputs, label encoding, losses and box decoding stay in float32 under each
    of them. bfloat16 is for TPUs and new GPUs and needs no more. float16 has a small range, so that
    gradients vanish unless the loss is scaled: `compile` wraps the optimizer in Keras'
    `LossScaleOptimizer` by itself, which skips the steps in which a gradient overflows.

    Args:
        name: `"float32"`, `"bfloat16"` or `"float16"`.

    Raises:
        RecipeError: if the name is another.

    Example:

    ```python
    with precision("bfloat16"):
        model = task.build_model(recipe, class_names)
    ```
    """
    if name not in POLICIES:
        raise RecipeError(f"Unknown precision '{name}'. There are: {', '.join(POLICIES)}.")
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(POLICIES[name])
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
