"""Values that a recipe leaves open, picked from the data set's size and the batch."""

import math
from typing import Any

from keras_effspine.training.recipe import Recipe
from keras_effspine.training.recipe_changes import override
from keras_effspine.training.run_length import count_steps

IMAGES_SEEN = 24_000
FEWEST_EPOCHS, MOST_EPOCHS = 8, 100
FEWEST_STEPS = 1000
LEARNING_RATE, LEARNING_RATE_BATCH = 0.02, 8
SMALLEST_NORMALISED_BATCH = 8
SHORTEST_MEMORY, LONGEST_MEMORY, MEMORIES = 10, 100, 60


def pick_open_values(recipe: Recipe, images: int) -> tuple[Recipe, list[str]]:
    """Fills in length, learning rate, the normalisation's momentum and freezing where None.

    A learning rate that is meant for another batch is scaled.

    Args:
        recipe: `Recipe`.
        images: number of training pictures.

    Returns:
        Pair of the `Recipe` in full and a list of lines that say what was picked, and why.
    """
    changes, reasons = dict[str, Any](), list[str]()
    if recipe.steps is None and recipe.epochs is None:
        epochs = min(max(round(IMAGES_SEEN / images), FEWEST_EPOCHS), MOST_EPOCHS)
        # A network does not learn in fewer updates, however often they show the same pictures.
        epochs = max(epochs, math.ceil(FEWEST_STEPS * recipe.batch_size / images))
        changes["epochs"] = epochs
        steps, _ = count_steps(override(recipe, changes), images)
        reasons.append(
            f"{epochs} epochs: {images} pictures are seen {epochs * images:,} times in all, in "
            f"{steps:,} steps (aim {IMAGES_SEEN:,} pictures within {FEWEST_EPOCHS} to "
            f"{MOST_EPOCHS} epochs, but {FEWEST_STEPS:,} steps at least)."
        )
    o = recipe.optimization
    batch = recipe.batch_size * o.accumulate
    if o.learning_rate is None:
        rate = round(LEARNING_RATE * math.sqrt(batch / LEARNING_RATE_BATCH), 5)
        changes["optimization.learning_rate"] = rate
        reasons.append(
            f"learning rate {rate:g}: {LEARNING_RATE:g} for batches of {LEARNING_RATE_BATCH}, "
            f"scaled with the square root of the pictures an update, here {batch}."
        )
    elif o.learning_rate_batch not in (None, batch):
        scale = batch / o.learning_rate_batch
        changes["optimization.learning_rate"] = o.learning_rate * scale
        changes["optimization.warmup_start"] = o.warmup_start * scale
        changes["optimization.learning_rate_batch"] = batch
        reasons.append(
            f"learning rate {o.learning_rate * scale:g}: the recipe's {o.learning_rate:g} is for "
            f"batches of {o.learning_rate_batch}, scaled with the pictures an update, here {batch}."
        )
    if recipe.batch_norm_momentum is None:
        steps, _ = count_steps(override(recipe, changes), images)
        memory = min(max(steps / MEMORIES, SHORTEST_MEMORY), LONGEST_MEMORY)
        changes["batch_norm_momentum"] = round(1 - 1 / memory, 4)
        reasons.append(
            f"batch normalisation momentum {changes['batch_norm_momentum']:g}: the statistics look "
            f"back over {memory:.0f} steps, in a run of {steps}, to keep up with the weights."
        )
    if recipe.frozen is None:
        changes["frozen"], reason = _pick_frozen(recipe.batch_size)
        reasons.append(reason)
    return (override(recipe, changes) if changes else recipe), reasons


def _pick_frozen(batch_size: int) -> tuple[str, str]:
    """A rule of thumb, for presets with weights; `resolve_preset` has dealt with the others.

    The backbone is never frozen: that is for the user to try.
    """
    if batch_size < SMALLEST_NORMALISED_BATCH:
        return "batch_norm", (
            f"batch normalisation frozen: the statistics of {batch_size} pictures are noisier than "
            f"the loaded ones (it learns from batches of {SMALLEST_NORMALISED_BATCH} on)."
        )
    return "nothing", (
        f"nothing frozen: batches of {batch_size} pictures have statistics of their own. With a "
        "few dozen pictures try --set frozen=backbone."
    )
