"""The presets that the package brings. Needs neither TensorFlow nor Keras."""

import functools
import pathlib
from typing import Any

from keras_effspine.pretrained.preset import Preset, read_preset

BACKBONES = ("EffSpineNetBackbone", "SpineNetBackbone", "ScaleDecreasedBackbone")
"""The classes of backbones that the package brings presets of."""

_ROOT = pathlib.Path(__file__).resolve().parents[1] / "presets"


def list_presets(*class_names: str) -> dict[str, Preset]:
    """All presets of the package: the paper's, its predecessors', its peers', by rising input size.

    Args:
        *class_names: names of public classes, such as `"EffSpineNetBackbone"`; none for all.

    Returns:
        Dictionary from name to `Preset`.
    """
    return {p.name: p for p in _read(_ROOT) if not class_names or p.class_name in class_names}


@functools.cache
def _read(root: pathlib.Path) -> tuple[Preset, ...]:
    presets = [read_preset(path.parent) for path in root.glob("*/config.json")]
    return tuple(sorted(presets, key=_place))


def _place(preset: Preset) -> tuple:
    kind = BACKBONES.index(preset.class_name) if preset.class_name in BACKBONES else 0
    return (kind, preset.input_size, preset.name)


def keras_cv_presets(
    *class_names: str, with_weights: bool = False, task: str = "detection"
) -> dict[str, dict[str, Any]]:
    """The presets of some classes in keras-cv's form; if asked, the trained ones.

    Their `input_size` is that for the task.

    keras-cv's loader accepts the absolute path of a folder where it expects a Kaggle handle.
    """
    return {
        name: {
            "metadata": {
                "description": _description(p),
                "params": p.parameters,
                "input_size": p.input_sizes.get(task, p.input_size),
            },
            "kaggle_handle": str(p.folder),
        }
        for name, p in list_presets(*class_names).items()
        if p.weights or not with_weights
    }


def _description(preset: Preset) -> str:
    training = preset.trained and preset.trained.get("data")
    weights = f"trained on {training}" if training else "without weights"
    return f"{preset.title} ({preset.source}), {weights}."
