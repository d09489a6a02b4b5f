"""Other values in a recipe, and how two recipes differ."""

import difflib
import json
from typing import Any

from keras_effspine.errors import RecipeError
from keras_effspine.tasks.registry import task_name
from keras_effspine.training.recipe import Recipe, parse_recipe
from keras_effspine.training.task_options import (
    describe_foreign,
    options_for,
    owners_of,
    parse_options,
)

_FORMER_NAMES = {
    "augmentation.mosaic": "mosaic",
    "augmentation.rand_augment": "rand_augment",
    "activation": "backbone.activation",
    "stochastic_depth_rate": "backbone.stochastic_depth_rate",
}


def override(recipe: Recipe, changes: dict[str, Any]) -> Recipe:
    """A recipe with some values replaced.

    Args:
        recipe: `Recipe`.
        changes: dictionary from field to value; a part's field is written `"data.images"`, an
            option of the task by its name alone. Setting `steps` unsets `epochs`, and the other way
            round, unless both are given; setting the learning rate unsets the batch that it was
            meant for.

    Returns:
        The new `Recipe`, validated.

    Raises:
        RecipeError: if a name is unknown, or another task's, or a value does not fit; names the
            field. If the recipe sets options that the task of `changes` does not have.
    """
    values = recipe.model_dump()
    changes = {_FORMER_NAMES.get(name, name): value for name, value in changes.items()}
    if "task" in changes:
        changes["task"] = values["task"] = task_name(changes["task"])
        kept = options_for(recipe, values["task"])
        values["options"] = parse_options(values["task"], kept).model_dump()
    for one, other in (("steps", "epochs"), ("epochs", "steps")):
        if one in changes and other not in changes:
            values[other] = None
    if "optimization.learning_rate" in changes:
        values["optimization"]["learning_rate_batch"] = None
    parts = {f"{part}.": values[part] for part in values if isinstance(values[part], dict)}
    places = {part + field: (held, field) for part, held in parts.items() for field in held}
    places |= {option: (values["options"], option) for option in values["options"]}
    places |= {field: (values, field) for field in values}
    for key, value in changes.items():
        # What the preset's backbone takes is known to its class alone.
        if key.startswith("backbone.") and isinstance(values["backbone"], dict):
            places[key] = (values["backbone"], key.removeprefix("backbone."))
        if key not in places:
            if owners_of(key):
                raise RecipeError(f"{describe_foreign(key, values['task'])}.")
            near = difflib.get_close_matches(key, places)
            hint = f"; did you mean {' or '.join(near)}?" if near else "."
            raise RecipeError(f"A recipe has no value '{key}'{hint}")
        held, field = places[key]
        held[field] = value
    return parse_recipe(values)


def fill_in(recipe: Recipe, values: dict[str, Any]) -> Recipe:
    """The recipe with some values, by name, where its own are None."""
    return override(recipe, {k: v for k, v in values.items() if getattr(recipe, k) is None})


def parse_setting(text: str) -> tuple[str, Any]:
    """A name and a value from `"NAME=VALUE"`, where the value is JSON, or else text.

    Raises:
        RecipeError: if there is no equals sign.
    """
    name, equals, value = text.partition("=")
    if not equals:
        raise RecipeError(f"--set {text}: write NAME=VALUE, such as optimization.momentum=0.8.")
    try:
        return name.strip(), json.loads(value)
    except json.JSONDecodeError:
        return name.strip(), value


def differences(old: Recipe, new: Recipe) -> list[str]:
    """Where two recipes differ. The strategy is left out: it does not change what is learnt.

    Returns:
        List of strings such as `"optimization.learning_rate: 0.01; now 0.02"`.
    """
    both = [flat(recipe.model_dump()) for recipe in (old, new)]
    keys = [key for key in {**both[0], **both[1]} if key != "strategy"]
    # What a backbone is built with is named only where it is not the preset's.
    pairs = [(key, *(values.get(key, "the preset's") for values in both)) for key in keys]
    return [f"{key}: {before}; now {after}" for key, before, after in pairs if before != after]


def flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested dictionaries as one, whose keys are those on the way, joined with dots."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        nested = isinstance(value, dict)
        found |= flat(value, f"{prefix}{key}.") if nested else {f"{prefix}{key}": value}
    return found
