"""A trained model with what is needed to use it, from a run folder or a preset."""

import dataclasses
import os
from collections.abc import Callable

import keras

from keras_effspine.errors import PresetError, RunFolderError, UnknownPresetError
from keras_effspine.pretrained.find_pretrained import find_pretrained
from keras_effspine.pretrained.pretrained import Pretrained
from keras_effspine.pretrained.shipped import list_presets
from keras_effspine.tasks.registry import find_task
from keras_effspine.tasks.task import Task
from keras_effspine.training.recipe import Recipe
from keras_effspine.training.run_folder import RunFolder


@dataclasses.dataclass(frozen=True)
class Trained:
    """A trained model.

    Args:
        name: how it was named; of a run also which of its models it is.
        task: its `Task`.
        class_names: tuple of the names of the classes that it predicts.
        image_size: height and width of its input in pixels.
        read_model: function that loads the model, not compiled.
        run: the `RunFolder` of its run; None for a preset.
    """

    name: str
    task: Task
    class_names: tuple[str, ...]
    image_size: int
    read_model: Callable[[], keras.Model]
    run: RunFolder | None = None

    @property
    def recipe(self) -> Recipe | None:
        """The `Recipe` of its run; None for a preset."""
        return self.run and self.run.recipe

    @property
    def batch_size(self) -> int:
        """Pictures to predict at a time."""
        return self.recipe.batch_size if self.recipe else 8

    @classmethod
    def open(cls, source: str | os.PathLike, last: bool = False) -> "Trained":
        """Finds a trained model.

        Args:
            source: what `find_pretrained` may be given: a run folder, or a preset with weights.
            last: whether to take a run's last model in place of its best.

        Raises:
            RunFolderError: if it is neither, or a preset without weights.
            PresetError: if the model is broken, or does not say what it predicts.
        """
        try:
            found = find_pretrained(source, last)
        except UnknownPresetError:
            found = None
        try:
            if found is None:
                RunFolder.open(source)  # says why it is none
            elif found.weights is None:
                raise RunFolderError(f"{source}: a preset without a trained model.")
        except RunFolderError as error:
            names = [name for name in list_presets() if find_pretrained(name).predicts]
            known = f"Presets with weights: {', '.join(names)}."
            raise RunFolderError(f"{error} {known}") from error
        run = RunFolder.open(found.run) if found.run else None
        if run is None and not found.predicts:
            raise PresetError(_lack(found))
        return cls(
            name=found.name,
            task=find_task(run.recipe.task if run else found.task),
            class_names=found.class_names,
            image_size=found.image_size,
            read_model=found.read_model,
            run=run,
        )


def _lack(found: Pretrained) -> str:
    """Why a preset with weights does not predict."""
    if found.is_backbone:
        return (
            f"{found.name}: a backbone alone, which does not predict; train a model that starts "
            f"from it (--preset {found.name})."
        )
    said = {
        "task": found.task,
        "class names": found.class_names,
        "input size": found.image_size,
    }
    return (
        f"{found.name}: cannot predict, for lack of: "
        f"{', '.join(name for name, value in said.items() if not value)}. "
        "`effspine presets save` keeps all of a run; save_to_preset is given class_names, "
        "input_size and trained={'task': ...}."
    )
