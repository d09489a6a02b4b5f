"""The options of a recipe's task among the recipe's values."""

from typing import Any

import pydantic

from keras_effspine.errors import RecipeError
from keras_effspine.stream.augmentation import CommonAugmentation
from keras_effspine.tasks.options import TaskOptions
from keras_effspine.tasks.registry import TASKS, find_task, task_name


def owners_of(name: str) -> list[str]:
    """The tasks that have an option of this name."""
    return [task for task in TASKS if name in find_task(task).options.model_fields]


def parse_options(task: str, values: Any) -> TaskOptions:
    """A task's options from a dictionary, or checked where they are options already.

    Raises:
        ValueError: if one belongs to another task; names it and those that this task has.
        pydantic.ValidationError: if a name is unknown or a value does not fit.
    """
    kind = find_task(task).options
    if isinstance(values, pydantic.BaseModel):
        values = dict(values)
    if isinstance(values, dict):
        for name in values:
            if name not in kind.model_fields and owners_of(name):
                raise ValueError(describe_foreign(name, task))
    return kind.model_validate(values)


def describe_foreign(name: str, task: str) -> str:
    """That an option belongs to other tasks, in words."""
    own = ", ".join(find_task(task).options.model_fields)
    *others, last = owners_of(name)
    owners = f"{', '.join(others)} and {last}" if others else last
    return f"{name} is an option of {owners}; {task} has {own or 'none'}"


def gather_options(values: dict, fields: set[str], task: str) -> dict:
    """A recipe's values with those that are a task's options under `"options"`.

    An option may be given by its bare name. Files of earlier versions hold those of all tasks so,
    or among the augmentation: of another task they are left out where they are at their default.

    Args:
        values: dictionary of a recipe's values.
        fields: names of the fields of a recipe.
        task: name that a recipe has of its task where `values` name none.
    """
    values = dict(values)
    try:
        values["task"] = task = task_name(values.get("task", task))
    except RecipeError:
        return values  # the recipe's own check names it among all that is wrong
    bare = {name: values.pop(name) for name in set(values) - fields if owners_of(name)}
    augmentation = values.get("augmentation")
    if isinstance(augmentation, (dict, pydantic.BaseModel)):
        values["augmentation"] = augmentation = dict(augmentation)
        for name in set(augmentation) - set(CommonAugmentation.model_fields):
            if owners_of(name):
                bare[name] = augmentation.pop(name)
    if bare:
        own = find_task(task).options.model_fields
        kept = {name: v for name, v in bare.items() if name in own or not _is_default(name, v)}
        values["options"] = {**kept, **dict(values.get("options", {}))}
    return values


def options_for(recipe: Any, task: str) -> dict:
    """A recipe's options as far as another task has them.

    Raises:
        RecipeError: if the recipe sets one that the other task does not have.
    """
    own = find_task(task).options.model_fields
    given = recipe.options.model_dump(exclude_defaults=True)
    foreign = [f"{name}={value!r}" for name, value in given.items() if name not in own]
    if foreign:
        raise RecipeError(
            f"The recipe is for {recipe.task}: it sets {', '.join(foreign)}, which {task} does not "
            f"have. Leave the task at {recipe.task}, or start from another recipe."
        )
    return given


def _is_default(name: str, value: Any) -> bool:
    kind = find_task(owners_of(name)[0]).options
    try:
        return kind.model_validate({name: value}) == kind()
    except pydantic.ValidationError:
        return False
