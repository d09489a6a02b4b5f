"""The folder that a training run leaves behind."""

import contextlib
import dataclasses
import json
import pathlib

import filelock
from PIL import Image

import keras_effspine
from keras_effspine.atomic_file import write_file
from keras_effspine.errors import RunFolderError
from keras_effspine.training.recipe import Recipe, differences

_RUN_FILE = "run.json"
_LOCK_FILE = ".lock"


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """A run's recipe, classes, model, measurements and pictures, each under a fixed name.

    Every file is written so that one which is there is whole.

    Args:
        path: the folder.
    """

    path: pathlib.Path

    @classmethod
    @contextlib.contextmanager
    def claim(cls, path, recipe, class_names):
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
        folder = cls(pathlib.Path(path))
        lock = filelock.FileLock(folder.path / _LOCK_FILE, timeout=0)
        try:
            folder.path.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except filelock.Timeout as error:
            raise RunFolderError(
                f"{path}: another process is training in this folder; wait for it, or name "
                "another folder with --out."
            ) from error
        except OSError as error:
            raise RunFolderError(f"{path}: the run folder cannot be written ({error}).") from error
        try:
            folder._settle(recipe, class_names)
            yield folder
        finally:
            lock.release()

    def _settle(self, recipe, class_names):
        if not (self.path / _RUN_FILE).exists():
            if any(not file.name.startswith(".") for file in self.path.iterdir()):
                raise RunFolderError(
                    f"{self.path}: the folder is not empty and holds no run to go on with; name "
                    "another one with --out."
                )
            self.write_json(
                _RUN_FILE,
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
    def open(cls, path):
        """A run folder that exists.

        Raises:
            RunFolderError: if the folder is missing or holds no run.
        """
        folder = cls(pathlib.Path(path))
        if not (folder.path / _RUN_FILE).is_file():
            raise RunFolderError(f"{path}: not a run folder; it holds no {_RUN_FILE}.")
        return folder

    @property
    def class_names(self):
        """Tuple of the names of the classes that the run's model predicts."""
        return tuple(self.read_json(_RUN_FILE)["class_names"])

    @property
    def recipe(self):
        """The run's `Recipe`, in full."""
        try:
            return Recipe.model_validate(self.read_json(_RUN_FILE)["recipe"])
        except ValueError as error:
            raise RunFolderError(
                f"{self.path / _RUN_FILE}: the recipe does not fit version "
                f"{keras_effspine.__version__} of keras_effspine; train anew in another folder."
            ) from error

    @property
    def model_file(self):
        """The latest model, with its optimizer's state."""
        return self.path / "model.keras"

    @property
    def tensorboard(self):
        return self.path / "tensorboard"

    def read_json(self, name, default=None):
        """Content of a JSON file, or `default` where there is none and a default is given."""
        file = self.path / name
        if default is not None and not file.exists():
            return default
        try:
            return json.loads(file.read_text())
        except (OSError, ValueError) as error:
            raise RunFolderError(f"{file}: cannot be read ({error}).") from error

    def write_json(self, name, value):
        text = json.dumps(value, indent=2) + "\n"
        write_file(self.path / name, lambda file: file.write_text(text))

    def write_picture(self, name, picture):
        """Writes a uint8 picture `(height, width, 3)` as PNG."""
        write_file(self.path / name, Image.fromarray(picture).save)

    def write_model(self, model):
        write_file(self.model_file, model.save)

    def restore(self, model):
        """Puts a compiled model and its optimizer into the state of the latest checkpoint.

        Returns:
            Number of steps that were taken before; 0 where the run has no checkpoint yet.

        Raises:
            RunFolderError: if the checkpoint cannot be read, or is of another model.
        """
        if not self.model_file.exists():
            return 0
        model.optimizer.build(model.trainable_variables)
        try:
            model.load_weights(self.model_file)
        except (OSError, ValueError, KeyError) as error:
            raise RunFolderError(
                f"{self.model_file}: the checkpoint cannot be loaded ({error}); delete the file to "
                "start anew."
            ) from error
        return int(model.optimizer.iterations)
