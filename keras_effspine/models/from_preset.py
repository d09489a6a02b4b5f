"""What `from_preset` of the public classes does."""

import json
import os
import warnings

import keras
import keras_cv
from keras_cv.src.utils.preset_utils import get_file, load_from_preset

from keras_effspine.errors import PresetError
from keras_effspine.models.preset_handle import preset_class, preset_handle
from keras_effspine.models.transfer import transfer_weights


def task_from_preset(cls, preset, load_weights=None, input_shape=None, **kwargs):
    """Makes a task's model from a preset of the task, of its backbone, or of another task.

    Arguments that differ from the preset's, such as `num_classes`, make another model: it gets all
    weights that fit, and a warning says which layers start anew.

    Args:
        cls: the task's class, whose constructor takes `backbone`.
        preset, load_weights: as in `from_preset`.
        input_shape: optional `(height, width, channels)`.
        **kwargs: constructor arguments.

    Returns:
        Instance of `cls`.

    Raises:
        PresetError: if the preset is unknown or of a class that has no place in `cls`.
        ValueError: if weights are asked for and the preset has none.
    """
    handle = preset_handle(preset, cls.presets)
    source_class = preset_class(handle, (cls, keras_cv.models.Task, keras_cv.models.Backbone))
    shape = {} if input_shape is None else {"input_shape": input_shape}
    if issubclass(source_class, keras_cv.models.Backbone):
        backbone = source_class.from_preset(handle, load_weights=load_weights, **shape)
        return cls(backbone=backbone, **kwargs)
    same_task = issubclass(source_class, cls)
    if same_task and not kwargs and input_shape is None:
        return load_from_preset(handle, load_weights=load_weights)

    with open(get_file(handle, "config.json"), encoding="utf-8") as file:
        config = json.load(file)["config"]
    if not isinstance(config.get("backbone"), dict):
        raise PresetError(f"{os.fspath(preset)}: {source_class.__name__} has no backbone to take.")
    backbone = config["backbone"]
    backbone = {**backbone, "config": {**backbone["config"], **shape}}
    if same_task:
        model = cls.from_config({**config, "backbone": backbone, **kwargs})
    else:
        model = cls(backbone=keras.saving.deserialize_keras_object(backbone), **kwargs)
    source = load_from_preset(handle, load_weights=load_weights)
    if load_weights is not False:
        transfer = transfer_weights(source, model)
        if transfer.anew:
            warnings.warn(f"{cls.__name__} from {os.fspath(preset)}: {transfer}.", stacklevel=3)
    return model
