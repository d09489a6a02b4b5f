"""Counting the model that a task makes of a preset."""

from collections.abc import Mapping
from typing import Any, cast

import keras

from keras_effspine.profiling.profile import Profile
from keras_effspine.profiling.profile_model import profile_model
from keras_effspine.tasks.registry import find_task
from keras_effspine.training.preset_values import resolve_preset
from keras_effspine.training.recipe import Recipe
from keras_effspine.training.recipe_changes import override


def profile_task(
    task: str,
    preset: str,
    image_size: int | None = None,
    classes: int | None = None,
    backbone: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Profile:
    """Builds the model that a task makes of a preset, and counts it.

    Args:
        task: name of the task.
        preset: what a recipe's `preset` may be.
        image_size: height and width in pixels; None takes the preset's for the task.
        classes: number of classes; None takes that of the paper's models.
        backbone: constructor arguments of the backbone in place of the preset's.
        settings: other values of a recipe, by name as `override` takes them.

    Returns:
        `Profile`, for one picture.

    Raises:
        RecipeError: if there is no such task or value, or the image size is not known.
        PresetError: if there is no such preset.
        ProfilingError: as `profile_model`.
    """
    model, size = build_for_task(
        task, preset, image_size, classes, {"backbone": dict(backbone or {}), **(settings or {})}
    )
    return profile_model(model, size)


def build_for_task(
    task: str,
    preset: str,
    image_size: int | None = None,
    classes: int | None = None,
    settings: Mapping[str, Any] | None = None,
    with_weights: bool = False,
) -> tuple[keras.Model, int]:
    """Builds the model that a task makes of a preset.

    Args:
        task, preset, image_size, classes, settings: as in `profile_task`.
        with_weights: whether the preset's weights are brought to it, where there are any.

    Returns:
        Pair of the model and its image size.

    Raises:
        RecipeError, PresetError: as `profile_task`.
    """
    changes = {"task": task, "preset": preset, "image_size": image_size, **(settings or {})}
    recipe, start = resolve_preset(override(Recipe(), changes))
    kind = find_task(recipe.task)
    names = tuple(f"class {number}" for number in range(classes or kind.published_classes))
    model = kind.build_model(recipe, names, start)
    if with_weights:
        start.hand_over(model, names)
    return model, cast(int, recipe.image_size)
