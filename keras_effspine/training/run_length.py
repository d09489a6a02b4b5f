"""How many steps a run has."""

from typing import cast

from keras_effspine.training.recipe import Recipe


def count_steps(recipe: Recipe, images: int) -> tuple[int, float]:
    """Number of steps of a run, and of a pass over the pictures, which is an epoch.

    Args:
        recipe: `Recipe` with a length.
        images: number of training pictures.
    """
    steps_per_epoch = images / recipe.batch_size
    steps = recipe.steps or max(1, round(cast(int, recipe.epochs) * steps_per_epoch))
    return steps, steps_per_epoch
