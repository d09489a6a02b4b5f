"""Models as Keras saves them, by themselves and in run folders."""

import json
import os
import pathlib
import zipfile
from typing import Any

import keras

from keras_effspine.errors import RunFolderError
from keras_effspine.pretrained.classes import import_classes

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
    return keras.models.load_model(file, compile=compile)


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
