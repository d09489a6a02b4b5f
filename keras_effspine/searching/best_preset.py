"""The distribution that a search found, as a preset folder: an architecture without weights."""

import json
import pathlib
import shutil

import keras

from keras_effspine.atomic_file import whole_folder
from keras_effspine.pretrained.preset import FORMAT
from keras_effspine.pretrained.preset_saving import PREPROCESSING
from keras_effspine.searching.job import Result
from keras_effspine.searching.plan import Plan

_SOURCE = "a search of keras_effspine"
_OF_THE_TRAINING = ("name", "trainable", "dtype", "input_shape", "stochastic_depth_rate")


def save_best_preset(plan: Plan, winner: Result, folder: pathlib.Path) -> pathlib.Path:
    """Writes what `from_preset` of its class, and a recipe's `preset`, load.

    It is the backbone's architecture; or the task's model with its weights, where the evaluator has
    trained it already.

    Args:
        plan: `Plan` of the search.
        winner: `Result` with the betas.
        folder: path of the preset folder; one that is there is replaced.

    Returns:
        The folder.
    """
    own = plan.counts.backbone
    title = f"{getattr(own, 'title', type(own).__name__)}, searched"
    trained = plan.evaluator.trained_model(winner.betas, winner.seed)
    if trained is not None:
        model, how = trained
        model.save_to_preset(
            folder,
            class_names=how["class_names"],
            input_size=plan.recipe.image_size,
            title=title,
            source=_SOURCE,
            trained=how,
        )
        return folder
    config = {
        name: value
        for name, value in own.get_config().items()
        if name not in (*_OF_THE_TRAINING, "batch_norm_momentum")
    }
    backbone = type(own).from_config({**config, "betas": list(winner.betas)})
    described = keras.saving.serialize_keras_object(backbone)
    described.pop("build_config", None)
    described["config"] = {**config, "betas": list(winner.betas)}
    metadata = {
        "title": title,
        "input_size": plan.recipe.image_size,
        "source": _SOURCE,
        "parameters": backbone.count_params(),
        "preprocessing": PREPROCESSING,
        "format": FORMAT,
    }
    if folder.exists():
        shutil.rmtree(folder)
    with whole_folder(folder) as part:
        for name, content in (
            ("config.json", {**described, "weights": None}),
            ("metadata.json", metadata),
        ):
            (part / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return folder
