"""The recipes that the package brings: one file each, with its command and what came of it."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

from keras_effspine.errors import RecipeError

if TYPE_CHECKING:
    from keras_effspine.training.recipe import Recipe


def recipe_names() -> list[str]:
    """The names of all recipes, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def find_recipe(name: str) -> Recipe:
    """A recipe of the package by name.

    Raises:
        RecipeError: if there is none of that name; names those that there are.
    """
    names = recipe_names()
    if name not in names:
        raise RecipeError(f"Unknown recipe '{name}'. There are: {', '.join(names)}.")
    return importlib.import_module(f"{__name__}.{name}").RECIPE
