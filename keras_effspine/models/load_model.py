"""Loading a saved model with the package's classes registered."""

import os

import keras

from keras_effspine import optimizers  # noqa: F401 (they register)
from keras_effspine.errors import RunFolderError
from keras_effspine.models import (  # noqa: F401
    eff_spinenet_backbone,
    huber,
    image_classifier,
    retinanet,
    semantic_segmenter,
)


def load_model(path, compile=True):
    """Loads a `.keras` file, or the model of a run folder.

    Args:
        path: a `.keras` file, or a folder that `effspine train` wrote, which holds `model.keras`.
        compile: whether to compile the model as it was when it was saved, optimizer state included.

    Returns:
        The model.

    Raises:
        RunFolderError: if there is no such file, or the folder holds no model.
    """
    file = os.path.join(path, "model.keras") if os.path.isdir(path) else os.fspath(path)
    if not os.path.isfile(file):
        raise RunFolderError(f"{file}: no such file; expected a .keras file or a run folder.")
    return keras.models.load_model(file, compile=compile)
