"""Which tasks there are."""

import importlib

TASKS = {
    "detection": ("keras_effspine.tasks.detection", "Detection"),
    "classification": ("keras_effspine.tasks.classification", "Classification"),
    "segmentation": ("keras_effspine.tasks.semantic_segmentation", "Segmentation"),
}
"""From a task's name to the module and the class that make it, which are loaded on first use."""


def find_task(name):
    """The `Task` of that name, one of `TASKS`."""
    module, attribute = TASKS[name]
    return getattr(importlib.import_module(module), attribute)()
