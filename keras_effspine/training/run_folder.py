"""The folder that a training run leaves behind."""

import contextlib
import dataclasses
import functools
import json
import os
import pathlib
import shutil
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Self

import keras
import numpy as np

import keras_effspine
from keras_effspine.atomic_file import remove_unfinished, write_file
from keras_effspine.claimed_folder import claimed_folder
from keras_effspine.drawing.picture_file import save_drawing
from keras_effspine.errors import RecipeError, RunFolderError
from keras_effspine.optimizers import MovingAverages
from keras_effspine.pretrained.run_file import RUN_FILE, RunFile
from keras_effspine.pretrained.thresholds_file import THRESHOLDS_FILE, ThresholdsFile
from keras_effspine.training.curve_file import CurveFile
from keras_effspine.training.metrics_file import METRICS_FILE, MetricsFile
from keras_effspine.training.recipe import Recipe, parse_recipe
from keras_effspine.training.recipe_changes import differences
from keras_effspine.training.resume_state import append_resume_state, restore_resume_state
from keras_effspine.training.steps_taken import steps_taken
from keras_effspine.validation import read_json, read_json_as, reason

_BEST_FILE = "best.keras"


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """A run's recipe, classes, model, measurements and pictures, each under a fixed name.

    Every file is written so that one which is there is whole.

    Args:
        path: the folder.
        writes: whether this process writes into it. Of several workers one does; what the others
            are told to write is left out.
    """

    path: pathlib.Path
    writes: bool = True

    @classmethod
    @contextlib.contextmanager
    def claim(
        cls, path: str | os.PathLike, recipe: Recipe, class_names: Sequence[str]
    ) -> Iterator[Self]:
        """Takes a folder for training, new or with an unfinished run of the same recipe.

        Other processes are kept out as long as the context lasts; a process that is killed lets go.
        A new folder gets `run.json`: the recipe in full, the classes, the package's version.

        Args:
            path: path of the folder, made if it does not exist.
            recipe: `Recipe`, in full.
            class_names: tuple of class names.

        Yields:
            The `RunFolder`.

        Raises:
            RunFolderError: if another process has the folder, it holds the run of another recipe
                or something else, or it cannot be written.
        """
        with claimed_folder(path, RUN_FILE, "run", "training") as claimed:
            folder = cls(claimed)
            folder._settle(recipe, class_names)
            yield folder

    def _settle(self, recipe, class_names):
        """Writes `run.json`, or checks that the one there is of the same run."""
        remove_unfinished(self.path)
        if not (self.path / RUN_FILE).exists():
            self.write_json(
                RUN_FILE,
                {
                    "keras_effspine": keras_effspine.__version__,
                    "class_names": list(class_names),
                    "recipe": recipe.model_dump(mode="json"),
                },
            )
            return
        changed = differences(self.recipe, recipe)
        if self.class_names != tuple(class_names):
            changed.append(f"classes: {', '.join(self.class_names)}; now {', '.join(class_names)}")
        if changed:
            raise RunFolderError(
                f"{self.path} holds a run of another recipe ({'; '.join(changed)}). Repeat its own "
                "command to go on with it, or name another folder with --out."
            )

    @classmethod
    def open(cls, path: str | os.PathLike) -> Self:
        """A run folder that exists.

        Raises:
            RunFolderError: if the folder is missing or holds no run.
        """
        folder = cls(pathlib.Path(path))
        if not folder.path.exists():
            raise RunFolderError(f"{path}: there is no such run folder.")
        if not (folder.path / RUN_FILE).is_file():
            raise RunFolderError(f"{path}: not a run folder; it holds no {RUN_FILE}.")
        return folder

    def _run_file(self) -> RunFile:
        return RunFile.read(self.path, RunFolderError)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes that the run's model predicts."""
        return self._run_file().class_names

    @property
    def recipe(self) -> Recipe:
        """The run's `Recipe`, in full."""
        try:
            return parse_recipe(self._run_file().recipe_values())
        except RecipeError as error:
            raise RunFolderError(f"{self.path / RUN_FILE}: {error}") from error

    @property
    def model_file(self) -> pathlib.Path:
        """The latest model, with its optimizer's state."""
        return self.path / "model.keras"

    @property
    def tensorboard(self) -> pathlib.Path:
        return self.path / "tensorboard"

    def curves(self, name: str) -> CurveFile:
        """The `CurveFile` of a folder for TensorBoard."""
        return CurveFile(self.tensorboard / name, self.writes)

    @property
    def metrics(self) -> MetricsFile | None:
        """What the run has measured so far; None before its first measurement.

        Raises:
            RunFolderError: if the file cannot be read, or was not written by a run.
        """
        file = self.path / METRICS_FILE
        return read_json_as(MetricsFile, file, RunFolderError) if file.exists() else None

    def read_json(self, name: str) -> object:
        """Content of a JSON file.

        Raises:
            RunFolderError: if the file cannot be read, or is no JSON.
        """
        return read_json(self.path / name, RunFolderError)

    def write_json(self, name: str, value: object) -> None:
        text = json.dumps(value, indent=2) + "\n"
        self._write(self.path / name, lambda file: file.write_text(text))

    def keep_thresholds(self, scores: Mapping[str, float], models: Iterable[str]) -> None:
        """Notes from which score detections are shown.

        Args:
            scores: dictionary from a class' name to its score.
            models: of which models: `"best"`, `"last"`.
        """
        known = ThresholdsFile.read(self.path, RunFolderError).model_dump()
        self.write_json(THRESHOLDS_FILE, {**known, **dict.fromkeys(models, dict(scores))})

    def write_image(self, name: str, image: np.ndarray) -> None:
        """Writes a uint8 picture `(height, width, 3)` as PNG."""
        self._write(self.path / name, functools.partial(save_drawing, image))

    def write_model(self, model: keras.Model, averages: MovingAverages) -> None:
        """Writes the model for use, and all that the run needs to go on.

        Args:
            model: the model; its optimizer's state is written too.
            averages: its `MovingAverages`. Where there are any, they are the weights of the model
                in the file, and the weights to train on lie beside them in the same file.
        """

        def write(file):
            with averages.in_place():
                model.save(file)
                append_resume_state(model, averages, file)

        self._write(self.model_file, write)

    def keep_best_model(self) -> None:
        """Makes the latest model the best one."""
        self._write(self.path / _BEST_FILE, lambda file: shutil.copyfile(self.model_file, file))

    def _write(self, file, write):
        if self.writes:
            write_file(file, write)

    def read_model(self) -> keras.Model:
        """The latest model, not compiled.

        Raises:
            RunFolderError: if there is none, or its file cannot be loaded.
        """
        from keras_effspine.pretrained.saved_model import load_model

        with self._loading():
            return load_model(self.model_file, compile=False)

    def load_weights(self, model: keras.Model) -> None:
        """Gives a model of the same configuration the weights of the latest one.

        Raises:
            RunFolderError: if there is none, or its file cannot be loaded.
        """
        with self._loading():
            model.load_weights(self.model_file)

    def restore(self, model: keras.Model, averages: MovingAverages) -> int:
        """Puts a compiled model and its optimizer into the state of the latest checkpoint.

        Args:
            model: the model.
            averages: its `MovingAverages`, which are restored too.

        Returns:
            Number of steps that were taken before; 0 where the run has no checkpoint yet.

        Raises:
            RunFolderError: if the checkpoint cannot be loaded.
        """
        if not self.model_file.exists():
            return 0
        model.optimizer.build(model.trainable_variables)
        with self._loading():
            model.load_weights(self.model_file)
            restore_resume_state(model, averages, self.model_file)
        return steps_taken(model)

    @contextlib.contextmanager
    def _loading(self):
        try:
            yield
        except RunFolderError:
            raise
        except (OSError, ValueError, TypeError, KeyError, zipfile.BadZipFile) as error:
            version = self._run_file().keras_effspine
            raise RunFolderError(
                f"{self.model_file}: cannot be loaded ({reason(error)}). It is broken, or from "
                f"another version: the run was written by keras_effspine {version}, "
                f"this is {keras_effspine.__version__}."
            ) from error
