"""What `from_preset` of the public classes does."""

import functools
import warnings

import keras
import keras_cv

from keras_effspine.errors import PresetError
from keras_effspine.models.arguments import refuse_unknown_arguments
from keras_effspine.models.preset_files import PresetFiles
from keras_effspine.models.transfer import transfer_weights


def backbone_from_preset(cls, preset, load_weights=None, **kwargs):
    """Makes a backbone from its preset, or from that of a task with such a backbone.

    Args:
        cls: the backbone's class.
        preset, load_weights: as in `from_preset`.
        **kwargs: constructor arguments, which go before the preset's.

    Returns:
        Instance of `cls`.

    Raises:
        PresetError: if the preset is unknown, broken, or of another class, or if weights are asked
            for and it has none.
    """
    refuse_unknown_arguments(cls, kwargs)
    files = PresetFiles.open(preset)
    config = files.config
    if not issubclass(files.model_class, cls):
        config = config["config"].get("backbone") or {}
    found = keras.saving.get_registered_object(config.get("registered_name") or "")
    if found is None or not issubclass(found, cls):
        raise PresetError(
            f"{files.name}: holds a {files.preset.class_name}, which is no {cls.__name__} and has "
            "none."
        )
    model = files.build({**config, "config": {**config["config"], **kwargs}})
    if _loads_weights(files, load_weights):
        if config is files.config and not kwargs:
            files.load_weights(model)
        else:
            _transfer(files, model)
    return model


def task_from_preset(cls, preset, load_weights=None, input_shape=None, **kwargs):
    """Makes a task's model from a preset of the task, of its backbone, or of another task.

    Arguments that differ from the preset's, such as `num_classes`, make another model: it gets all
    weights that fit, and a warning says which layers start anew.

    Args:
        cls: the task's class, whose constructor takes `backbone`.
        preset, load_weights: as in `from_preset`.
        input_shape: optional `(height, width, channels)`.
        **kwargs: constructor arguments, which go before the preset's.

    Returns:
        Instance of `cls`.

    Raises:
        PresetError: if the preset is unknown, broken, or of a class that has no place in `cls`, or
            if weights are asked for and it has none.
        TypeError: if the class does not take an argument.
    """
    refuse_unknown_arguments(cls, kwargs)
    files = PresetFiles.open(preset)
    source_class, config = files.model_class, files.config
    shape = {} if input_shape is None else {"input_shape": input_shape}
    if issubclass(source_class, keras_cv.models.Backbone):
        backbone = files.build({**config, "config": {**config["config"], **shape}})
        if _loads_weights(files, load_weights):
            files.load_weights(backbone)
        return cls(backbone=backbone, **kwargs)

    backbone = config["config"].get("backbone")
    if not isinstance(backbone, dict) or not isinstance(backbone.get("config"), dict):
        raise PresetError(
            f"{files.name}: holds a {files.preset.class_name}, which has no backbone for a "
            f"{cls.__name__}."
        )
    backbone = {**backbone, "config": {**backbone["config"], **shape}}
    if issubclass(source_class, cls):
        arguments = {**config["config"], "backbone": backbone, **kwargs}
        model = files.build({**config, "config": arguments})
    else:
        model = cls(backbone=files.build(backbone), **kwargs)
    if _loads_weights(files, load_weights):
        if issubclass(source_class, cls) and not kwargs:
            files.load_weights(model)
        else:
            _transfer(files, model)
    return model


def _loads_weights(files, load_weights):
    """Whether weights are to be loaded; says once for each preset that it has none."""
    if files.weights is None and load_weights:
        raise PresetError(
            f"{files.name}: the preset does not include weights; leave out load_weights=True."
        )
    if files.weights is None and load_weights is None:
        _say_that_weights_are_random(files.name)
    return files.weights is not None and load_weights is not False


@functools.cache
def _say_that_weights_are_random(name):
    warnings.warn(
        f"The preset '{name}' has no trained weights: the model starts from random ones. "
        "load_weights=False says that this is meant.",
        stacklevel=5,
    )


def _transfer(files, model):
    transfer = transfer_weights(files.load_model(), model)
    if transfer.anew:
        message = f"{type(model).__name__} from {files.name}: {transfer}."
        warnings.warn(message, stacklevel=4)
