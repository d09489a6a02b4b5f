"""Presets of your own: a folder with all that others need to use a model."""

import contextlib
import json
import os
import pathlib
import shutil
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import h5py
import keras
import numpy as np

import keras_effspine
from keras_effspine.atomic_file import whole_folder
from keras_effspine.errors import PresetError
from keras_effspine.pretrained.checksum import sha256_of
from keras_effspine.pretrained.model_card import model_card
from keras_effspine.pretrained.preset import FORMAT

_WEIGHTS = "model.weights.h5"
_FILES = {"config.json", "metadata.json", _WEIGHTS, "README.md"}

PREPROCESSING = {
    "channels": "RGB",
    "range": "0 to 255; the model normalises by itself",
    "resizing": "to the input size with the aspect ratio kept, padded with 0 at the bottom and the "
    "right",
}
"""How this package prepares pictures for evaluation."""


_Model: Any = object
"""What a type checker takes for the model that the class below is mixed with."""


class PresetSaving(_Model):
    """Gives a model `save_to_preset`."""

    def save_to_preset(
        self,
        folder: str | os.PathLike,
        class_names: Sequence[str] | None = None,
        input_size: int | None = None,
        title: str | None = None,
        source: str | None = None,
        trained: dict[str, Any] | None = None,
        half_precision: bool = False,
        family: str = "",
    ) -> None:
        """Writes a preset folder, which `from_preset` of its class loads with the same outputs.

        The folder holds `config.json`, the weights without the optimizer's state
        (`model.weights.h5`), `metadata.json` and a model card (`README.md`). It appears whole, and
        replaces a preset that stands there; anything else is left alone.

        Args:
            folder: path of the folder.
            class_names: optional names of the classes that the model predicts.
            input_size: optional height and width in pixels that the model was trained at.
            title: optional name of the model; by default its class'.
            source: optional place where the architecture is published.
            trained: optional dictionary that says how the weights came about; see
                `pretrained.preset.Preset`. What is given here is what the model card claims.
            half_precision: whether to store weights as float16, in half the space; they are
                rounded by it.
            family: optional name of the models that it is one of, under which it is listed.

        Raises:
            PresetError: if the folder holds something that is no preset, class names do not fit
                the model, or a weight cannot be stored.
            OSError: if the folder cannot be written.
        """
        folder = pathlib.Path(folder).absolute()
        _check_is_free(folder)
        num_classes = getattr(self, "num_classes", None)
        if class_names is not None and num_classes not in (None, len(class_names)):
            raise PresetError(
                f"{len(class_names)} class names were given for a model of {num_classes} classes."
            )
        trained = dict(trained or {})
        if class_names is not None:
            trained["class_names"] = list(class_names)
        with _replacing(folder) as part:
            _write_weights(self, part / _WEIGHTS, half_precision)
            config = keras.saving.serialize_keras_object(self)
            # What was frozen belongs to the training, not to the model that others start from.
            _leave_out(config, ("build_config", "compile_config", "frozen_layers"))
            metadata = {
                "title": title or type(self).__name__,
                "family": family,
                "input_size": input_size,
                "source": source or "",
                "parameters": self.count_params(),
                "weights_sha256": sha256_of(part / _WEIGHTS),
                "preprocessing": PREPROCESSING,
                "trained": trained or None,
                "format": FORMAT,
                "versions": {
                    "keras_effspine": keras_effspine.__version__,
                    "keras": keras.__version__,
                },
            }
            _write_json(part / "config.json", {**config, "weights": _WEIGHTS})
            _write_json(part / "metadata.json", metadata)
            card = model_card(folder.name, type(self).__name__, metadata)
            (part / "README.md").write_text(card, encoding="utf-8")


def round_to_half_precision(model: keras.Model) -> None:
    """Gives the weights the values that they will have when stored as float16."""
    for weight in model.weights:
        value = keras.ops.convert_to_numpy(weight)
        weight.assign(_halved(value, weight.path).astype(value.dtype))


def _check_is_free(folder: pathlib.Path) -> None:
    if not folder.exists():
        return
    foreign = [folder.name] if folder.is_file() else {f.name for f in folder.iterdir()} - _FILES
    if foreign:
        raise PresetError(
            f"{folder}: holds {', '.join(sorted(foreign)[:3])}, which is no part of a preset; name "
            "another folder."
        )


@contextlib.contextmanager
def _replacing(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    """`whole_folder`, in the place of the preset that may stand there."""
    new, old = (folder.with_name(f".{folder.name}.{uuid.uuid4().hex}") for _ in range(2))
    with whole_folder(new) as part:
        yield part
    if folder.exists():
        folder.rename(old)
    try:
        new.rename(folder)
    except OSError:
        if old.exists():
            old.rename(folder)
        shutil.rmtree(new, ignore_errors=True)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _write_weights(model: keras.Model, file: pathlib.Path, half_precision: bool) -> None:
    """Writes the weights without optimizer and metrics, which Keras would write too."""
    everything = file.with_name(f"everything.{_WEIGHTS}")
    model.save_weights(everything)
    with h5py.File(everything) as source, h5py.File(file, "w", libver="latest") as target:

        def copy(name, item):
            if name.split("/")[0] in ("optimizer", "metrics", "_compile_metrics", "_loss_tracker"):
                return
            if isinstance(item, h5py.Group):
                target.require_group(name).attrs.update(item.attrs)
            else:
                value = item[()]
                target.create_dataset(name, data=_halved(value, name) if half_precision else value)

        target.attrs.update(source.attrs)
        source.visititems(copy)
    everything.unlink()


def _halved(value: np.ndarray, name: str) -> np.ndarray:
    if value.dtype != np.float32:
        return value
    with np.errstate(over="ignore"):
        half = value.astype("float16")
    if not np.isfinite(half).all():
        raise PresetError(f"{name}: has values beyond float16; save it in full precision.")
    return half


def _leave_out(value: Any, names: tuple[str, ...]) -> None:
    """Removes keys from nested dictionaries and lists."""
    if isinstance(value, dict):
        for name in names:
            value.pop(name, None)
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, (dict, list, tuple)):
            _leave_out(item, names)


def _write_json(file: pathlib.Path, value: dict[str, Any]) -> None:
    file.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
