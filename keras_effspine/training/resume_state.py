"""What a run needs to go on, beyond what Keras keeps in a `.keras` file.

It lies in the same file, which is thus replaced as a whole; Keras does not mind more members.
"""

import io
import json
import pathlib
import zipfile

import keras
import numpy as np

from keras_effspine.optimizers import MovingAverages

_RANDOM, _WEIGHTS = "random_state.json", "trained_weights.npz"


def append_resume_state(model: keras.Model, averages: MovingAverages, file: pathlib.Path) -> None:
    """Adds to a `.keras` file what Keras leaves out.

    These are the state of the random generators, since a dropout that goes on without it would
    begin its random numbers again, and, where the file's weights are averages, the weights.

    Args:
        model: the model that was saved.
        averages: its `MovingAverages`, in place.
        file: path of the `.keras` file.
    """
    states = [np.asarray(variable).tolist() for variable in _states(model)]
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(_RANDOM, json.dumps(states))
        if averages.weights_aside:
            weights = io.BytesIO()
            np.savez(weights, *averages.weights_aside)
            archive.writestr(_WEIGHTS, weights.getvalue())


def restore_resume_state(model: keras.Model, averages: MovingAverages, file: pathlib.Path) -> None:
    """Completes a model that has the weights of a `.keras` file.

    Args:
        model: the model.
        averages: its `MovingAverages`.
        file: path of the `.keras` file.

    Raises:
        ValueError: if the file's states are not those of this model.
    """
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        states = json.loads(archive.read(_RANDOM)) if _RANDOM in names else None
        weights = []
        if _WEIGHTS in names:
            with np.load(io.BytesIO(archive.read(_WEIGHTS))) as arrays:
                weights = [arrays[name] for name in arrays.files]
    if states is not None:
        for variable, state in zip(_states(model), states, strict=True):
            variable.assign(np.array(state, variable.dtype))
    averages.go_on(weights)


def _states(model):
    weights = {id(variable) for variable in model.weights}
    return [variable for variable in model.non_trainable_variables if id(variable) not in weights]
