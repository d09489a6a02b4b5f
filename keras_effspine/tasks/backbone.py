"""The backbone that a recipe describes, for the models of all tasks."""

import difflib
import inspect
from collections.abc import Iterable

import keras_cv

from keras_effspine.errors import RecipeError
from keras_effspine.pretrained.pretrained import Pretrained

_OF_THE_MODEL = ("name", "trainable", "dtype", "input_shape", "stochastic_depth_rate")
"""Arguments that belong to the model that was trained, not to its architecture."""

_NOT_OF_A_RECIPE = {"self", "spec", "name", "trainable", "dtype", "input_shape", "input_tensor"}


def build_backbone(recipe, start: Pretrained, **kwargs) -> keras_cv.models.Backbone:
    """Makes the backbone of a recipe: the architecture that its preset names, as it changes it.

    The weights are random: training brings those of the preset to the whole model, see
    `Pretrained.hand_over`.

    Args:
        recipe: `Recipe`; its `batch_norm_momentum` goes to a class that takes one.
        start: what its preset names.
        **kwargs: constructor arguments that the task asks for, where the recipe does not name them
            and the class takes them.

    Raises:
        PresetError: if the preset has no backbone.
        RecipeError: if the backbone's class refuses what the recipe says of it.
    """
    cls, config = start.backbone()
    check_backbone_arguments(recipe.backbone, cls)
    config = {name: value for name, value in config["config"].items() if name not in _OF_THE_MODEL}
    if recipe.batch_norm_momentum is not None:
        kwargs["batch_norm_momentum"] = recipe.batch_norm_momentum
    taken = _arguments(cls)
    wanted = {name: value for name, value in kwargs.items() if name in taken}
    try:
        return cls(**{**config, **wanted, **recipe.backbone})
    except (ValueError, TypeError) as error:
        if not recipe.backbone:
            raise
        reason = str(error).strip().partition("\n")[0]
        raise RecipeError(f"backbone: {cls.__name__} refuses it ({reason}).") from error


def check_backbone_arguments(names: Iterable[str], cls: type) -> None:
    """Refuses what is no argument of a backbone, or has another place in a recipe.

    Args:
        names: names of constructor arguments.
        cls: the backbone's class.

    Raises:
        RecipeError: names the arguments that there are.
    """
    known = [name for name in _arguments(cls) if name not in _NOT_OF_A_RECIPE]
    for name in names:
        if name == "batch_norm_momentum":
            raise RecipeError(f"backbone.{name}: set the recipe's own value {name} instead.")
        if name not in known:
            near = difflib.get_close_matches(name, known)
            hint = f"did you mean {' or '.join(near)}?" if near else f"it has {', '.join(known)}."
            raise RecipeError(f"backbone.{name}: {cls.__name__} has no such argument; {hint}")


def _arguments(cls: type) -> list[str]:
    """Names of constructor arguments, with those that a class hands on to its base."""
    names = []
    for base in cls.__mro__[: cls.__mro__.index(keras_cv.models.Backbone)]:
        if "__init__" not in vars(base):
            continue
        parameters = inspect.signature(vars(base)["__init__"]).parameters.values()
        names += [p.name for p in parameters if p.kind is not p.VAR_KEYWORD]
        if all(p.kind is not p.VAR_KEYWORD for p in parameters):
            break
    return list(dict.fromkeys(names))
