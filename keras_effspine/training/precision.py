"""Numbers that a model computes in."""

from contextlib import AbstractContextManager

import tensorflow as tf

from keras_effspine.errors import RecipeError
from keras_effspine.models.dtype_policies import dtype_policy_scope

POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}
"""From a precision's name to the Keras dtype policy."""


SMALLEST_BFLOAT16_ON_CPU = 128
"""Pixels. Below, a strided convolution reads a map of one pixel, and its gradient in bfloat16 is
wrong in TensorFlow 2.21 with oneDNN."""


def check_precision(name: str, image_size: int) -> None:
    """Raises RecipeError where a precision would give wrong gradients."""
    accelerators = tf.config.list_logical_devices("GPU") + tf.config.list_logical_devices("TPU")
    if name == "bfloat16" and not accelerators and image_size < SMALLEST_BFLOAT16_ON_CPU:
        raise RecipeError(
            f"bfloat16 on a CPU needs pictures of at least {SMALLEST_BFLOAT16_ON_CPU} px, since "
            f"TensorFlow's gradients are wrong below; here they have {image_size} px. Choose a "
            "larger --image-size, or --precision float32."
        )


def precision(name: str) -> AbstractContextManager[None]:
    """Context in which models are built that compute in this precision, for all their life.

    Weights, the heads' outputs, label encoding, losses and box decoding stay in float32 under each
    of them. bfloat16 is for TPUs and newer GPUs, and needs no more. float16 has a small range:
    `compile` then wraps the optimizer in Keras' `LossScaleOptimizer` by itself, which scales the
    loss and leaves out the steps in which a gradient overflows.

    Args:
        name: `"float32"`, `"bfloat16"` or `"float16"`.

    Raises:
        RecipeError: if the name is another.

    Example:

    ```python
    from keras_effspine.training.precision import precision

    with precision("bfloat16"):
        backbone = keras_effspine.EffSpineNetBackbone(width_multiplier=0.3)
    ```
    """
    if name not in POLICIES:
        raise RecipeError(f"Unknown precision {name!r}. There are: {', '.join(POLICIES)}.")
    return dtype_policy_scope(POLICIES[name])
