"""A trained model with what is needed to use it, from a run folder or a preset."""

import dataclasses
import pathlib
from collections.abc import Callable

from keras_effspine.errors import RunFolderError
from keras_effspine.presets.registry import list_presets
from keras_effspine.tasks.registry import find_task
from keras_effspine.tasks.task import Task
from keras_effspine.training.recipe import Recipe
from keras_effspine.training.run_folder import RunFolder


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
            source: path of a run folder, or name of a preset with weights.

        Raises:
            RunFolderError: if it is neither.
        """
        presets = {name: p for name, p in list_presets().items() if p.trained}
        if source in presets and not pathlib.Path(source).exists():
            return cls._of_preset(presets[source])
        try:
            folder = RunFolder.open(source)
        except RunFolderError as error:
            raise RunFolderError(f"{error} Presets with weights: {', '.join(presets)}.") from error
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
    def _of_preset(cls, preset):
        def read_model():
            import keras_effspine

            return getattr(keras_effspine, preset.class_name).from_preset(preset.name)

        return cls(
            task=find_task(preset.trained["task"]),
            class_names=tuple(preset.trained["class_names"]),
            image_size=preset.input_size,
            batch_size=8,
            read_model=read_model,
        )
