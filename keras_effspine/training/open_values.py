"""Values that a recipe leaves open, picked from the data set's size and the batch."""

import math

from keras_effspine.training.recipe_changes import override

IMAGES_SEEN = 24_000
FEWEST_EPOCHS, MOST_EPOCHS = 8, 100
LEARNING_RATE, LEARNING_RATE_BATCH = 0.02, 8
SMALLEST_NORMALISED_BATCH = 8
SHORTEST_MEMORY, LONGEST_MEMORY, MEMORIES = 10, 100, 60


def pick_open_values(recipe, images):
    """Fills in length, learning rate, the normalisation's momentum and freezing where None.

    Args:
        recipe: `Recipe`.
        images: number of training pictures.

    Returns:
        Pair of the `Recipe` in full and a list of lines that say what was picked, and why.
    """
    changes, reasons = {}, []
    epochs = recipe.epochs
    if recipe.steps is None and epochs is None:
        epochs = min(max(round(IMAGES_SEEN / images), FEWEST_EPOCHS), MOST_EPOCHS)
        changes["epochs"] = epochs
        reasons.append(
            f"{epochs} epochs: {images} pictures are seen {epochs * images:,} times in all "
            f"(aim {IMAGES_SEEN:,}, within {FEWEST_EPOCHS} to {MOST_EPOCHS} epochs)."
        )
    if recipe.optimization.learning_rate is None:
        batch = recipe.batch_size * recipe.optimization.accumulate
        rate = round(LEARNING_RATE * math.sqrt(batch / LEARNING_RATE_BATCH), 5)
        changes["optimization.learning_rate"] = rate
        reasons.append(
            f"learning rate {rate:g}: {LEARNING_RATE:g} for batches of {LEARNING_RATE_BATCH}, "
            f"scaled with the square root of the pictures an update, here {batch}."
        )
    if recipe.batch_norm_momentum is None:
        steps = recipe.steps or epochs * max(1, images // recipe.batch_size)
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


def _pick_frozen(batch_size):
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
