"""Models that predict, by name."""

import os

from keras_effspine.errors import PresetError, RunFolderError, UnknownPresetError
from keras_effspine.pretrained.find_pretrained import find_pretrained
from keras_effspine.pretrained.pretrained import Pretrained
from keras_effspine.pretrained.shipped import list_presets


def find_trained(name: str | os.PathLike, last: bool = False) -> Pretrained:
    """Finds a model that predicts: of a run, or of a preset with weights.

    Args:
        name, last: as in `find_pretrained`.

    Returns:
        `Pretrained` with weights, task, classes and image size.

    Raises:
        RunFolderError: if the name stands for neither, or for a preset without weights.
        PresetError: if the model is broken, or does not say what it predicts.
    """
    found, reason = None, "a preset without a trained model."
    try:
        found = find_pretrained(name, last)
    except UnknownPresetError:
        reason = "there is no such run folder."
        if os.path.exists(name):
            reason = "not a run folder; it holds no run.json."
    if found is None or found.weights is None:
        # By their metadata alone: the weights of some have yet to be fetched.
        listed = list_presets().values()
        names = [p.name for p in listed if p.weights and not p.class_name.endswith("Backbone")]
        raise RunFolderError(f"{name}: {reason} Presets with weights: {', '.join(names)}.")
    if found.is_backbone:
        raise PresetError(
            f"{name}: a backbone alone, which does not predict; train a model that starts from it "
            f"(--preset {name})."
        )
    if not found.predicts:
        said = {
            "task": found.task,
            "class names": found.class_names,
            "input size": found.image_size,
        }
        raise PresetError(
            f"{name}: cannot predict, for lack of: "
            f"{', '.join(name for name, value in said.items() if not value)}. "
            "`effspine presets save` keeps all of a run; save_to_preset is given class_names, "
            "input_size and trained={'task': ...}."
        )
    return found
