"""The folder that a training run leaves behind."""

import dataclasses
import json
import pathlib
import zipfile

from PIL import Image

import keras_effspine
from keras_effspine.atomic_file import write_file
from keras_effspine.errors import RecipeError, RunFolderError
from keras_effspine.training.recipe import parse_recipe


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """A run's recipe, classes, model, measurements and pictures, each under a fixed name.

    Every file is written so that one which is there is whole.

    Args:
        path: the folder.
    """

    path: pathlib.Path

    @classmethod
    def create(cls, path, recipe, class_names):
        """Makes the folder and writes `run.json`: the recipe in full, classes, package version.

        Raises:
            RunFolderError: if the folder holds something already, or cannot be written.
        """
        folder = cls(pathlib.Path(path))
        try:
            folder.path.mkdir(parents=True, exist_ok=True)
            if any(folder.path.iterdir()):
                raise RunFolderError(
                    f"{path}: the folder is not empty; name another one with --out."
                )
            folder.write_json(
                "run.json",
                {
                    "keras_effspine": keras_effspine.__version__,
                    "class_names": list(class_names),
                    "recipe": recipe.model_dump(mode="json"),
                },
            )
        except RunFolderError:
            raise
        except OSError as error:
            raise RunFolderError(f"{path}: the run folder cannot be written ({error}).") from error
        return folder

    @classmethod
    def open(cls, path):
        """A run folder that exists.

        Raises:
            RunFolderError: if the folder is missing or holds no run.
        """
        folder = cls(pathlib.Path(path))
        if not (folder.path / "run.json").is_file():
            raise RunFolderError(f"{path}: not a run folder; it holds no run.json.")
        return folder

    def _read(self, part):
        """One of the parts of `run.json`."""
        file = self.path / "run.json"
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise RunFolderError(f"{file}: cannot be read ({error}).") from error
        except ValueError as error:
            raise RunFolderError(f"{file}: not valid JSON ({error}).") from error
        if not isinstance(content, dict) or part not in content:
            raise RunFolderError(f"{file}: holds no '{part}'; it was not written by a run.")
        return content[part]

    @property
    def class_names(self):
        """Tuple of the names of the classes that the run's model predicts."""
        return tuple(self._read("class_names"))

    @property
    def recipe(self):
        """The run's `Recipe`, in full."""
        try:
            return parse_recipe(self._read("recipe"))
        except RecipeError as error:
            raise RunFolderError(f"{self.path / 'run.json'}: {error}") from error

    @property
    def model_file(self):
        return self.path / "model.keras"

    @property
    def tensorboard(self):
        return self.path / "tensorboard"

    def write_json(self, name, value):
        text = json.dumps(value, indent=2) + "\n"
        write_file(self.path / name, lambda file: file.write_text(text))

    def write_picture(self, name, picture):
        """Writes a uint8 picture `(height, width, 3)` as PNG."""
        write_file(self.path / name, Image.fromarray(picture).save)

    def write_model(self, model):
        write_file(self.model_file, model.save)

    def read_model(self):
        """The model, not compiled.

        Raises:
            RunFolderError: if there is none, or its file cannot be loaded.
        """
        from keras_effspine.models.load_model import load_model

        try:
            return load_model(self.path, compile=False)
        except (ValueError, TypeError, KeyError, zipfile.BadZipFile) as error:
            reason = str(error).partition("\n")[0]
            raise RunFolderError(
                f"{self.model_file}: cannot be loaded ({reason}). It is broken, or from another "
                f"version: the run was written by keras_effspine {self._read('keras_effspine')}, "
                f"this is {keras_effspine.__version__}."
            ) from error
