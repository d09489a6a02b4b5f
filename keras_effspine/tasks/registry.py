"""Which tasks there are."""

import importlib

_TASKS = {"detection": ("keras_effspine.tasks.detection", "Detection")}

TASK_NAMES = tuple(_TASKS)


def find_task(name):
    """The `Task` of that name, one of `TASK_NAMES`."""
    module, attribute = _TASKS[name]
    return getattr(importlib.import_module(module), attribute)()
