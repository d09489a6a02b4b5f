"""A task's model on a supernet, and the networks that are its slices."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras

from keras_effspine.errors import SearchError
from keras_effspine.models.slicing import slice_weights
from keras_effspine.models.supernet_backbone import SupernetBackbone
from keras_effspine.models.task_model import TaskModel
from keras_effspine.pretrained.pretrained import Pretrained
from keras_effspine.tasks.registry import find_task
from keras_effspine.training.precision import precision
from keras_effspine.training.recipe import Recipe
from keras_effspine.training.recipe_changes import override


def build_supernet(
    recipe: Recipe, class_names: tuple[str, ...], start: Pretrained, betas: Sequence[float]
) -> Any:
    """The model of a recipe on a backbone that holds every distribution with betas from a set.

    Args:
        recipe: `Recipe` in full.
        class_names: tuple of class names.
        start: the `Pretrained` that its preset names.
        betas: the set.

    Returns:
        `TaskModel` in the recipe's precision, not compiled. Its normalisation keeps the statistics
        of the last batch.

    Raises:
        SearchError: if the task's model is another, or its blocks cannot be shared.
    """
    with precision(recipe.precision):
        return _built(recipe, class_names, start, betas)


def _built(recipe, class_names, start, betas):
    task = find_task(recipe.task)
    architecture = task.build_model(recipe, class_names, start).backbone
    try:
        backbone = SupernetBackbone(architecture, betas)
    except ValueError as error:
        reason = str(error).partition(" Received")[0]
        raise SearchError(f"{recipe.preset}: {reason} Search without --weight-sharing.") from error
    config = keras.saving.serialize_keras_object(backbone)
    if not start.is_backbone:
        config = {**start.config, "config": {**start.config["config"], "backbone": config}}
    # What the recipe says of the backbone is in the architecture already.
    plain = recipe.model_copy(update={"backbone": {}, "batch_norm_momentum": 0.0})
    model = task.build_model(plain, class_names, dataclasses.replace(start, config=config))
    if not isinstance(model, TaskModel):
        raise SearchError(
            f"The model of task '{recipe.task}', a {type(model).__name__}, cannot share weights. "
            "Search without --weight-sharing."
        )
    model.jit_compile = False  # XLA would compile each width anew
    return model


def cut_out(
    supernet: Any,
    betas: tuple[float, ...],
    recipe: Recipe,
    class_names: tuple[str, ...],
    start: Pretrained,
) -> Any:
    """A candidate as a model that stands alone, with the weights and statistics of its slice.

    Args:
        supernet: what `build_supernet` made, with the statistics of the candidate.
        betas: the candidate.
        recipe, class_names, start: as in `build_supernet`.
    """
    recipe = override(recipe, {"backbone.betas": list(betas)})
    with precision(recipe.precision):
        alone = find_task(recipe.task).build_model(recipe, class_names, start)
    slice_weights(supernet, alone)
    return alone
