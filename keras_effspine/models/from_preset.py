"""What `from_preset` of the public classes does."""

import functools
import os
import warnings
from typing import Any

import keras

from keras_effspine.errors import PresetError
from keras_effspine.models.arguments import refuse_unknown_arguments
from keras_effspine.pretrained.find_pretrained import find_pretrained
from keras_effspine.pretrained.pretrained import Pretrained
from keras_effspine.pretrained.saved_model import name_classes
from keras_effspine.pretrained.transfer import transfer_weights


def backbone_from_preset(
    cls: type, preset: str | os.PathLike, load_weights: bool | None = None, **kwargs: Any
) -> keras.Model:
    """Makes a backbone from its preset, or from that of a task with such a backbone.

    It is `EffSpineNetBackbone.from_preset` of any class of backbones.
    """
    refuse_unknown_arguments(cls, kwargs)
    start = find_pretrained(preset)
    _, config = start.backbone(cls)
    model = start.build({**config, "config": {**config["config"], **kwargs}})
    if _loads_weights(start, load_weights):
        if config is start.config and not kwargs:
            start.load_weights(model)
        else:
            _transfer(start, model)
    return model


def task_from_preset(
    cls: Any,
    preset: str | os.PathLike,
    load_weights: bool | None = None,
    input_shape: tuple | None = None,
    **kwargs: Any,
) -> keras.Model:
    """Makes a task's model from a preset of the task, of its backbone, or of another task.

    Arguments that differ from the preset's, such as `num_classes`, make another model: it gets all
    weights that fit, and a warning says which layers start anew. It is `RetinaNet.from_preset` of
    any class whose constructor takes `backbone`.
    """
    refuse_unknown_arguments(cls, kwargs)
    start = find_pretrained(preset)
    config = start.config
    shape = {} if input_shape is None else {"input_shape": input_shape}
    if start.is_backbone:
        backbone = start.build({**config, "config": {**config["config"], **shape}})
        if _loads_weights(start, load_weights):
            start.load_weights(backbone)
        model = cls(backbone=backbone, **{**start.arguments_of(cls), **kwargs})
        name_classes(model, None, start.image_size_for(cls.preset_task))
        return model

    backbone = config["config"].get("backbone")
    if not isinstance(backbone, dict) or not isinstance(backbone.get("config"), dict):
        raise PresetError(
            f"{start.name}: holds a {config['class_name']}, which has no backbone for a "
            f"{cls.__name__}."
        )
    backbone = {**backbone, "config": {**backbone["config"], **shape}}
    same = issubclass(start.model_class, cls)
    if same:
        arguments = {**config["config"], "backbone": backbone, **kwargs}
        model = start.build({**config, "config": arguments})
    else:
        model = cls(backbone=start.build(backbone), **kwargs)
    if _loads_weights(start, load_weights):
        if same and not kwargs:
            start.load_weights(model)
        else:
            _transfer(start, model)
    is_known = same and start.class_names and len(start.class_names) == model.num_classes
    names = start.class_names if is_known else None
    name_classes(model, names, start.image_size_for(cls.preset_task))
    model.score_thresholds = start.score_thresholds if is_known else {}
    return model


def _loads_weights(start: Pretrained, load_weights: bool | None) -> bool:
    """Whether weights are to be loaded; says once for each preset that it has none."""
    if start.weights is None and load_weights:
        raise PresetError(
            f"{start.name}: the preset does not include weights; leave out load_weights=True."
        )
    if start.weights is None and load_weights is None:
        _say_that_weights_are_random(start.name)
    return start.weights is not None and load_weights is not False


@functools.cache
def _say_that_weights_are_random(name: str) -> None:
    warnings.warn(
        f"The preset '{name}' has no trained weights: the model starts from random ones. "
        "load_weights=False says that this is meant.",
        stacklevel=5,
    )


def _transfer(start: Pretrained, model: keras.Model) -> None:
    transfer = transfer_weights(start.read_model(), model)
    if transfer.anew:
        message = f"{type(model).__name__} from {start.name}: {transfer}."
        warnings.warn(message, stacklevel=4)
