"""From data to a trained model in one call: `train`."""

import os
import pathlib
from collections.abc import Callable
from typing import Any

from keras_effspine.data.sources import is_name
from keras_effspine.errors import RecipeError
from keras_effspine.stream.augmentation import CommonAugmentation
from keras_effspine.training.optimization import Optimization
from keras_effspine.training.recipe import Data, Recipe
from keras_effspine.training.recipe_changes import override
from keras_effspine.training.recipes import find_recipe
from keras_effspine.training.train import train as run_recipe
from keras_effspine.unpacking import SUFFIXES
from keras_effspine.workflow.data_set import DataSet
from keras_effspine.workflow.run import Run

_FIELDS = {
    "optimization": Optimization.model_fields,
    "augmentation": CommonAugmentation.model_fields,
    "data": Data.model_fields,
}
_PARTS = (*_FIELDS, "backbone")
_OWNERS = {
    field: f"{part}.{field}"
    for part, fields in _FIELDS.items()
    for field in fields
    if field not in Recipe.model_fields
}
"""From a part's field to its name in full."""


def train(
    data: DataSet | str | os.PathLike | None = None,
    *,
    preset: str | os.PathLike | None = None,
    recipe: str | Recipe = "from_scratch",
    task: str | None = None,
    out: str | os.PathLike | None = None,
    report: Callable[[str], None] = print,
    verbose: int | str = "auto",
    **values: Any,
) -> Run:
    """Trains a model on data, measures it, and keeps both in a run folder, as `effspine train`.

    Called again with the same arguments it goes on where a run was stopped or killed.

    Args:
        data: what `load_data` gave; or a path or name, as `load_data` takes it; None takes the
            recipe's own.
        preset: what to start from: a preset, a preset folder, or a run folder. Weights are loaded
            as far as they fit. None takes the recipe's.
        recipe: name of a recipe of the package, such as `"fine_tune"`, or a `Recipe`.
        task: name of the task; None takes that of the `DataSet`, or else the recipe's.
        out: run folder: new, empty, or with a run of the same recipe to go on with; None names one
            in `runs` after preset and data.
        report: function that is given each line of text.
        verbose: 0 shows no progress, 1 a line that is kept up to date, 2 a line now and then;
            `"auto"` is 1 on a terminal, otherwise 2.
        **values: any value of the recipe, such as `steps=900`, `batch_size=8`,
            `learning_rate=0.01`, `optimization={"momentum": 0.8}` or
            `**{"optimization.momentum": 0.8}`.

    Returns:
        `Run`.

    Raises:
        StoppedError: if the run was stopped by Ctrl-C or SIGTERM; its state is kept.
        TrainingError: if the loss or a weight is no longer finite.
        EffSpineError: where recipe, data or run folder cannot be used.

    Example:

    ```python
    data = keras_effspine.load_data("shapes")
    run = keras_effspine.train(data, preset="m0", steps=1, image_size=64, batch_size=2)
    run.metrics["AP"], run.history, run.path  # and run.model, run.show(), run.evaluate()
    ```
    """
    if preset is not None:
        values["preset"] = os.fspath(preset)
    if task is not None:
        values["task"] = task
    return train_with(values, data, recipe, out, report, verbose)


def train_with(
    values: dict[str, Any],
    data: DataSet | str | os.PathLike | None = None,
    recipe: str | Recipe = "from_scratch",
    out: str | os.PathLike | None = None,
    report: Callable[[str], None] = print,
    verbose: int | str = "auto",
) -> Run:
    """As `train`, with all values of the recipe in a dictionary."""
    start = recipe if isinstance(recipe, Recipe) else find_recipe(recipe)
    changes = _named_in_full(values)
    if isinstance(data, DataSet):
        changes = {**{f"data.{name}": v for name, v in data.named.model_dump().items()}, **changes}
        if start.task == Recipe.model_fields["task"].default:  # the recipe is for any task
            changes.setdefault("task", data.task)
    elif data is not None:
        changes.setdefault("data.data", os.fspath(data))
    chosen = override(start, changes)
    folder, result = run_recipe(chosen, out or _folder(chosen), report=report, verbose=verbose)
    return Run(folder, result)


def _named_in_full(values: dict[str, Any]) -> dict[str, Any]:
    """Values of a recipe by the names that `override` knows.

    A field of a part may be given alone, as `learning_rate`, or in a dictionary of the part's.
    """
    named: dict[str, Any] = {}
    for name, value in values.items():
        if name in _PARTS and isinstance(value, dict):
            found = {f"{name}.{field}": one for field, one in value.items()}
        elif name == "options" and isinstance(value, dict):
            found = value
        else:
            found = {_OWNERS.get(name, name): value}
        twice = found.keys() & named.keys()
        if twice:
            raise RecipeError(f"{', '.join(sorted(twice))}: given twice, by two names.")
        named |= found
    return named


def _folder(recipe: Recipe) -> pathlib.Path:
    """A folder that the same call finds again."""
    data, preset = recipe.data.data, os.path.basename(os.path.normpath(recipe.preset))
    if not is_name(data):
        data = os.path.basename(os.path.abspath(data))
    for suffix in ("", *SUFFIXES, ".json", ".yaml"):
        data = data.removesuffix(suffix)
    name = data.rpartition(":")[2].replace("/", "-")
    return pathlib.Path("runs", f"{name}-{preset}-{recipe.task}")
