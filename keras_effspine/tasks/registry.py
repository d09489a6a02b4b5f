"""Which tasks there are."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from keras_effspine.errors import RecipeError

# The command line reads the names alone, within a second.
if TYPE_CHECKING:
    from keras_effspine.data.record import Record
    from keras_effspine.tasks.task import Task

TASKS = {
    "detection": ("keras_effspine.tasks.detection", "Detection"),
    "classification": ("keras_effspine.tasks.classification", "Classification"),
    "semantic_segmentation": ("keras_effspine.tasks.semantic_segmentation", "SemanticSegmentation"),
    "instance_segmentation": ("keras_effspine.tasks.instance_segmentation", "InstanceSegmentation"),
}
"""From a task's name to the module and the class that make it, which are loaded on first use."""

_FORMER_NAMES = {"segmentation": "semantic_segmentation"}


def task_name(name: Any) -> str:
    """The name that a task has today; one that it had before is taken with a warning.

    Raises:
        RecipeError: if there is no such task; names those that there are.
    """
    if isinstance(name, str) and name in TASKS:
        return name
    if not isinstance(name, str) or name not in _FORMER_NAMES:
        known = ", ".join(TASKS)
        raise RecipeError(f"task: unknown task; there are: {known} (received: {name!r}).")
    today = _FORMER_NAMES[name]
    warnings.warn(f"The task '{name}' is called '{today}' now.", FutureWarning, stacklevel=2)
    return today


def find_task(name: str) -> Task:
    """The `Task` of that name, one of `TASKS`.

    Raises:
        RecipeError: if there is no such task.
    """
    module, attribute = TASKS[task_name(name)]
    return getattr(importlib.import_module(module), attribute)()


def task_of(records: Sequence[Record]) -> str:
    """Name of the first task for which some records are annotated; without any, of the first."""
    annotated = (name for name in TASKS if any(map(find_task(name).is_annotated, records)))
    return next(annotated, next(iter(TASKS)))
