"""Other values in a recipe, and how two recipes differ."""

import difflib
import json

from keras_effspine.errors import RecipeError
from keras_effspine.tasks.registry import TASKS, find_task
from keras_effspine.training.recipe import Recipe, parse_recipe


def override(recipe, changes):
    """A recipe with some values replaced.

    Args:
        recipe: `Recipe`.
        changes: dictionary from field to value; a part's field is written `"data.images"`. Setting
            `steps` unsets `epochs`, and the other way round, unless both are given; setting the
            learning rate unsets the batch that it was meant for.

    Returns:
        The new `Recipe`, validated.

    Raises:
        RecipeError: if a name is unknown or a value does not fit; names the field.
    """
    values = recipe.model_dump()
    for one, other in (("steps", "epochs"), ("epochs", "steps")):
        if one in changes and other not in changes:
            values[other] = None
    if "optimization.learning_rate" in changes:
        values["optimization"]["learning_rate_batch"] = None
    parts = {f"{part}.": values[part] for part in values if isinstance(values[part], dict)}
    places = {part + field: (held, field) for part, held in parts.items() for field in held}
    places |= {field: (values, field) for field in values}
    for key, value in changes.items():
        # What the preset's backbone takes is known to its class alone.
        if key.startswith("backbone.") and isinstance(values["backbone"], dict):
            places[key] = (values["backbone"], key.removeprefix("backbone."))
        if key not in places:
            near = difflib.get_close_matches(key, places)
            hint = f"; did you mean {' or '.join(near)}?" if near else "."
            raise RecipeError(f"A recipe has no value '{key}'{hint}")
        held, field = places[key]
        held[field] = value
    return parse_recipe(values)


def fill_in(recipe, values):
    """The recipe with some values, by name, where its own are None."""
    return override(recipe, {k: v for k, v in values.items() if getattr(recipe, k) is None})


def parse_setting(text):
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


def differences(old, new):
    """Where two recipes differ. The strategy is left out: it does not change what is learnt.

    Returns:
        List of strings such as `"optimization.learning_rate: 0.01; now 0.02"`.
    """
    old, new = _flat(old.model_dump()), _flat(new.model_dump())
    keys = [key for key in {**old, **new} if key != "strategy"]
    # What a backbone is built with is named only where it is not the preset's.
    pairs = [(key, *(values.get(key, "the preset's") for values in (old, new))) for key in keys]
    return [f"{key}: {before}; now {after}" for key, before, after in pairs if before != after]


def check_task_values(recipe):
    """Refuses a recipe that gives its task a value that is another task's.

    Raises:
        RecipeError: names the value and the tasks that it belongs to.
    """
    owners = {}
    for name in TASKS:
        for value in find_task(name).values:
            owners.setdefault(value, []).append(name)
    given, plain = _flat(recipe.model_dump()), _flat(Recipe().model_dump())
    for value, tasks in owners.items():
        if recipe.task not in tasks and given[value] != plain[value]:
            raise RecipeError(
                f"{value} is a value of {' and '.join(tasks)}; {recipe.task} does not have it. "
                f"Leave it out, or at {plain[value]!r} (received: {given[value]!r})."
            )


def _flat(values, prefix=""):
    flat = {}
    for key, value in values.items():
        nested = isinstance(value, dict)
        flat |= _flat(value, f"{prefix}{key}.") if nested else {f"{prefix}{key}": value}
    return flat
