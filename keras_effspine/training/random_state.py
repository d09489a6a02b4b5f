"""The state of a model's random layers, which Keras leaves out of its files."""

import json
import zipfile

import numpy as np

_MEMBER = "random_state.json"


def append_random_state(model, file):
    """Adds the state of a model's random generators to the `.keras` file that it was saved in.

    Keras keeps weights and optimizer; a dropout that goes on from such a file would begin its
    random numbers again.
    """
    states = [np.asarray(variable).tolist() for variable in _states(model)]
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(_MEMBER, json.dumps(states))


def restore_random_state(model, file):
    """Puts the random generators of a model into the state that a `.keras` file holds.

    Raises:
        ValueError: if the file's states are not those of this model.
    """
    with zipfile.ZipFile(file) as archive:
        if _MEMBER not in archive.namelist():
            return
        states = json.loads(archive.read(_MEMBER))
    for variable, state in zip(_states(model), states, strict=True):
        variable.assign(np.array(state, variable.dtype))


def _states(model):
    weights = {id(variable) for variable in model.weights}
    return [variable for variable in model.non_trainable_variables if id(variable) not in weights]
