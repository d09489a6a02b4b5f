"""What a recipe leaves to its preset, and where its files lie."""

import os
import pathlib

from keras_effspine.data.sources import is_name
from keras_effspine.errors import PresetError, RecipeError
from keras_effspine.pretrained.find_pretrained import find_pretrained
from keras_effspine.pretrained.pretrained import Pretrained
from keras_effspine.pretrained.shipped import list_presets
from keras_effspine.tasks.backbone import check_backbone_arguments
from keras_effspine.training.recipe import Recipe
from keras_effspine.training.recipe_changes import fill_in, override
from keras_effspine.training.run_folder import RunFolder


def resolve(recipe: Recipe, out: str | os.PathLike) -> tuple[Recipe, Pretrained | None]:
    """The recipe with absolute paths and with what it leaves to its preset.

    A run that goes on has all that it needs in its own folder, even where its preset is gone.

    Args:
        recipe: `Recipe`.
        out: path of the run folder.

    Returns:
        Pair of the `Recipe` and what its preset names; None for that of a run that goes on without.

    Raises:
        PresetError, RecipeError: as `resolve_preset`.
    """
    try:
        return resolve_preset(resolve_paths(recipe))
    except PresetError:
        run = RunFolder(pathlib.Path(out))
        if not run.model_file.exists():
            raise
        preset = run.recipe.preset
        if preset not in (recipe.preset, os.path.abspath(recipe.preset)):
            raise
        before = {name: getattr(run.recipe, name) for name in ("image_size", "frozen")}
        return fill_in(resolve_paths(override(recipe, {"preset": preset})), before), None


def resolve_preset(recipe: Recipe) -> tuple[Recipe, Pretrained]:
    """Finds a recipe's preset, and fills in what the recipe leaves to it, such as `image_size`.

    Returns:
        Pair of the `Recipe` and what its preset names.

    Raises:
        PresetError: if the preset is unknown, cannot be read, or has no backbone to start from.
        RecipeError: if the backbone does not take what the recipe says of it, neither the recipe
            nor the preset says an image size, or layers are to be frozen and the preset brings no
            weights for them.
    """
    start = find_pretrained(recipe.preset)
    check_backbone_arguments(recipe.backbone, start.backbone()[0])
    image_size = start.image_size_for(recipe.task)
    if recipe.image_size is None and image_size is None:
        raise RecipeError(
            f"{recipe.preset}: give the image size too (--image-size); of this preset it is not "
            "known."
        )
    if start.weights is None and recipe.frozen not in ("nothing", None):
        raise RecipeError(
            f"frozen is '{recipe.frozen}', but {recipe.preset} brings no weights: what is frozen "
            "would stay random. Choose a preset with weights, or --set frozen=nothing."
        )
    frozen = "nothing" if start.weights is None else None
    return fill_in(recipe, {"image_size": image_size, "frozen": frozen}), start


def resolve_paths(recipe: Recipe) -> Recipe:
    """The recipe with absolute paths, so that a run can be measured again from anywhere."""
    paths = {
        f"data.{field}": os.path.abspath(value)
        for field, value in recipe.data.model_dump(
            exclude={"split", "val_split", "reserve"}
        ).items()
        if value is not None and not is_name(value)
    }
    if os.path.exists(recipe.preset) and recipe.preset not in list_presets():
        paths["preset"] = os.path.abspath(recipe.preset)
    return override(recipe, paths)
