"""Models as Keras saves them, by themselves and in run folders."""

import json
import os
import pathlib
import zipfile
from typing import Any

import keras

from keras_effspine.errors import RunFolderError
from keras_effspine.pretrained.classes import import_classes
from keras_effspine.pretrained.run_file import RUN_FILE, RunFile
from keras_effspine.pretrained.thresholds_file import ThresholdsFile

BEST, LAST = "best.keras", "model.keras"
"""The files of a run's models."""


def load_model(path: str | os.PathLike, compile: bool = True, last: bool = False) -> keras.Model:
    """Loads a `.keras` file, or the model of a run folder.

    Args:
        path: a `.keras` file, or a folder that `effspine train` wrote, of which the best model is
            loaded, or the last one where it kept no best.
        compile: whether to compile the model as it was when it was saved, optimizer state included.
        last: whether to load the last model of a run.

    Returns:
        The model.

    Raises:
        RunFolderError: if there is no such file, or the folder holds no model.
    """
    file = model_file(path, last) if os.path.isdir(path) else pathlib.Path(path)
    if not file.is_file():
        raise RunFolderError(f"{file}: no such file; expected a .keras file or a run folder.")
    if zipfile.is_zipfile(file):
        import_classes(_whole_config(file))  # the optimizer's and the losses' too
    model = keras.models.load_model(file, compile=compile)
    if (pathlib.Path(path) / RUN_FILE).is_file():  # what earlier versions left to the run alone
        run, scores = RunFile.read(path, RunFolderError), ThresholdsFile.read(path, RunFolderError)
        name_classes(model, run.class_names, run.recipe.image_size)
        model.score_thresholds = (scores.last if file.name == LAST else scores.best) or {}
    return model


def name_classes(
    model: keras.Model, class_names: tuple[str, ...] | None, image_size: int | None
) -> None:
    """Says to a model of a task what its classes are called and at which size it sees pictures.

    What it knows already stays, and a model that has no place for it is left as it is.
    """
    known = {"class_names": class_names, "image_size": image_size}
    for name, value in known.items():
        if value is not None and getattr(model, name, value) is None:
            setattr(model, name, value)


def model_file(run: str | os.PathLike, last: bool = False) -> pathlib.Path:
    """Where the model lies that a run folder stands for: the best, unless asked for the last."""
    best, latest = pathlib.Path(run) / BEST, pathlib.Path(run) / LAST
    return best if best.is_file() and not last else latest


def read_config(file: str | os.PathLike) -> dict[str, Any]:
    """The model in a `.keras` file as Keras serialises it, not compiled.

    Raises:
        OSError, ValueError, KeyError, zipfile.BadZipFile: if the file is broken.
    """
    config = _whole_config(file)
    return {name: value for name, value in config.items() if name != "compile_config"}


def _whole_config(file: str | os.PathLike) -> dict[str, Any]:
    with zipfile.ZipFile(file) as archive:
        return json.loads(archive.read("config.json"))
