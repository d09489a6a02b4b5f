"""A trained model with what is needed to use it, from a run folder or a preset."""

import dataclasses
import pathlib
from collections.abc import Callable

from keras_effspine.errors import PresetError, RunFolderError
from keras_effspine.models.preset_files import PresetFiles
from keras_effspine.presets.registry import list_presets
from keras_effspine.tasks.registry import find_task
from keras_effspine.tasks.task import Task
from keras_effspine.training.recipe import Recipe
from keras_effspine.training.run_folder import RunFolder

_BACKBONE = "EffSpineNetBackbone"


@dataclasses.dataclass(frozen=True)
class Trained:
    """A trained model.

    Args:
        task: its `Task`.
        class_names: tuple of the names of the classes that it predicts.
        image_size: height and width of its input in pixels.
        batch_size: pictures to predict at a time.
        read_model: function that loads the model, not compiled.
        recipe: the `Recipe` of its run; None for a preset.
    """

    task: Task
    class_names: tuple
    image_size: int
    batch_size: int
    read_model: Callable
    recipe: Recipe | None = None

    @classmethod
    def open(cls, source):
        """Finds a trained model.

        Args:
            source: path of a run folder; or of a preset folder with weights, or another name of
                such a preset.

        Raises:
            RunFolderError: if it is neither, or a preset without weights.
            PresetError: if the preset is broken, or does not say what it predicts.
        """
        files = _find_preset(source)
        if files is not None:
            return cls._of_preset(files)
        try:
            folder = RunFolder.open(source)
        except RunFolderError as error:
            known = list_presets()
            names = ", ".join(name for name, p in known.items() if _predicts(p))
            reason = f"{source}: a preset without a trained model." if source in known else error
            raise RunFolderError(f"{reason} Presets with weights: {names}.") from error
        recipe = folder.recipe
        return cls(
            task=find_task(recipe.task),
            class_names=folder.class_names,
            image_size=recipe.image_size,
            batch_size=recipe.batch_size,
            read_model=folder.read_model,
            recipe=recipe,
        )

    @classmethod
    def _of_preset(cls, files):
        preset = files.preset
        if preset.class_name == _BACKBONE:
            raise PresetError(
                f"{files.name}: a backbone alone, which does not predict; train a model that "
                f"starts from it (--preset {files.name})."
            )
        if not _predicts(preset) or preset.input_size is None:
            trained = preset.trained or {}
            given = {
                "weights": preset.weights,
                "task": trained.get("task"),
                "class names": trained.get("class_names"),
                "input size": preset.input_size,
            }
            raise PresetError(
                f"{files.name}: cannot predict, for lack of: "
                f"{', '.join(name for name, value in given.items() if not value) or 'a head'}. "
                "`effspine presets save` keeps all of a run; save_to_preset is given class_names, "
                "input_size and trained={'task': ...}."
            )
        return cls(
            task=find_task(preset.trained["task"]),
            class_names=tuple(preset.trained["class_names"]),
            image_size=preset.input_size,
            batch_size=8,
            read_model=files.load_model,
        )


def _find_preset(source):
    """The preset that is named, or None where a run folder may be meant."""
    presets = {name for name, p in list_presets().items() if _predicts(p)}
    known = source in presets and not pathlib.Path(source).exists()
    if known or "://" in source or (pathlib.Path(source) / "config.json").is_file():
        return PresetFiles.open(source)
    return None


def _predicts(preset):
    """Whether a preset is a whole model with weights, and not a backbone alone."""
    whole = preset.class_name != _BACKBONE
    return bool(whole and preset.weights and {"task", "class_names"} <= set(preset.trained or ()))
