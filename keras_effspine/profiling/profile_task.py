"""Counting the model that a task makes of a preset."""

from typing import Any

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
    backbone: dict[str, Any] | None = None,
) -> Profile:
    """Builds the model that a task makes of a preset, and counts it.

    Args:
        task: name of the task.
        preset: what a recipe's `preset` may be.
        image_size: height and width in pixels; None takes the preset's for the task.
        classes: number of classes; None takes that of the paper's models.
        backbone: constructor arguments of the backbone in place of the preset's.

    Returns:
        `Profile`, for one picture.

    Raises:
        RecipeError: if there is no such task, or the image size is not known.
        PresetError: if there is no such preset.
        ProfilingError: as `profile_model`.
    """
    changes = {"task": task, "preset": preset, "image_size": image_size}
    recipe, start = resolve_preset(override(Recipe(), {**changes, "backbone": backbone or {}}))
    kind = find_task(recipe.task)
    names = tuple(f"class {number}" for number in range(classes or kind.published_classes))
    return profile_model(kind.build_model(recipe, names, start), recipe.image_size)
