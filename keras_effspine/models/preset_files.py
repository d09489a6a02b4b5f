"""A preset folder as a model: read with care, since it may come from anywhere."""

import dataclasses
import hashlib
import importlib
import os
import pathlib
import re

import keras

from keras_effspine.errors import PresetError
from keras_effspine.models.preset_handle import find_preset_folder
from keras_effspine.presets.registry import Preset, read_json, read_preset

_PACKAGES = ("keras", "keras_cv", "keras_effspine")
_SUFFIX = ".weights.h5"


@dataclasses.dataclass(frozen=True)
class PresetFiles:
    """The files of a preset, of which nothing is executed and nothing outside is read.

    Args:
        name: how the preset was named.
        preset: what the folder says of itself.
        config: the model as Keras serialises it.
        weights: path of the file with weights, or None.
    """

    name: str
    preset: Preset
    config: dict
    weights: pathlib.Path | None

    @classmethod
    def open(cls, preset):
        """Finds and checks a preset.

        Args:
            preset: what `from_preset` may be given; see `find_preset_folder`.

        Raises:
            PresetError: if there is none, or it is broken, or holds what must not be loaded.
        """
        folder, root = find_preset_folder(preset)
        for name in ("config.json", "metadata.json"):
            _stay_inside(folder, name, root)
        name = os.fspath(preset)
        described = read_preset(folder)
        config = read_json(folder / "config.json")
        _check_objects(config, folder / "config.json")
        weights = None
        if described.weights is not None:
            weights = _stay_inside(folder, described.weights, root)
            if not str(described.weights).endswith(_SUFFIX):
                raise PresetError(
                    f"{name}: weights are loaded from *{_SUFFIX} files alone, which hold nothing "
                    f"to execute; config.json names {described.weights!r}."
                )
        return cls(name=name, preset=described, config=config, weights=weights)

    @property
    def model_class(self):
        """The class that the preset makes."""
        return _class_of(self.config)

    def build_model(self):
        """The model of the preset with random weights."""
        return self.build(self.config)

    def build(self, config):
        """Makes an object of the preset from its serialised form."""
        try:
            return keras.saving.deserialize_keras_object(config, safe_mode=True)
        except (TypeError, ValueError, KeyError, AttributeError, ImportError) as error:
            raise PresetError(
                f"{self.name}: config.json does not describe a {config.get('class_name')} that "
                f"this version of the package can make ({_first_line(error)})."
            ) from error

    def load_model(self):
        """The model of the preset with its weights."""
        model = self.build_model()
        self.load_weights(model)
        return model

    def load_weights(self, model):
        """Loads the weights into a model of the preset's own configuration.

        Raises:
            PresetError: if the file is not the one that the metadata name, is broken, or does not
                fit; names a layer and both shapes.
        """
        expected = self.preset.weights_sha256
        if expected is not None and sha256_of(self.weights) != expected:
            raise PresetError(
                f"{self.weights}: is not the file that the preset was written with; its SHA-256 is "
                f"{sha256_of(self.weights)}, not {expected}. Fetch the preset again."
            )
        try:
            model.load_weights(self.weights)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise PresetError(f"{self.weights}: cannot be loaded: {_misfit(error)}.") from error


def sha256_of(file):
    """SHA-256 of a file in hexadecimal digits.

    Raises:
        PresetError: if it cannot be read.
    """
    try:
        with open(file, "rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise PresetError(f"{file}: cannot be read ({error}).") from error


def _stay_inside(folder, name, root):
    """The path of a file of the folder; neither its name nor a link may lead out of `root`."""
    path = folder / name
    if not path.resolve().is_relative_to(root.resolve()) or os.path.isabs(name):
        raise PresetError(f"{folder}: {name!r} leads out of the preset's folder; it is not read.")
    return path


def _check_objects(value, file):
    """Refuses serialised code, and classes of packages that a preset has no business with.

    Classes that the running program registered with Keras are its own affair.
    """
    if isinstance(value, list):
        for item in value:
            _check_objects(item, file)
    if not isinstance(value, dict):
        return
    name = value.get("class_name")
    if isinstance(name, str):
        if "lambda" in name.lower():
            raise PresetError(f"{file}: holds a {name}, which is code; presets are data alone.")
        module = value.get("module") or ""
        if module.startswith("keras_effspine.") and isinstance(value.get("config"), dict):
            _import(module, name, file)  # its classes register with Keras
        if isinstance(value.get("config"), dict) and module:
            registered = keras.saving.get_registered_object(value.get("registered_name") or "")
            if registered is None and module.split(".")[0] not in _PACKAGES:
                raise PresetError(
                    f"{file}: names the class {module}.{name}, which is neither of "
                    f"{', '.join(_PACKAGES)} nor registered with Keras by this program; it is not "
                    "imported."
                )
    for item in value.values():
        _check_objects(item, file)


def _import(module, name, file):
    try:
        importlib.import_module(module)
    except ImportError as error:
        raise PresetError(
            f"{file}: names {module}.{name}, which this version of keras_effspine does not have."
        ) from error


def _class_of(config):
    found = keras.saving.get_registered_object(config.get("registered_name") or "")
    return found or getattr(keras, config["class_name"], None) or keras.Model


def _misfit(error):
    """What Keras says of weights that do not fit, without the numbers in them."""
    found = re.search(
        r"variable\.shape=(\(.*?\)), Received: value\.shape=(\(.*?\)).*?path=([^,>]+)",
        str(error),
        re.DOTALL,
    )
    if found:
        return (
            f"{found[3]} has the shape {found[2]} in the file and {found[1]} in the model that "
            "config.json describes"
        )
    return " ".join(str(error).split())[:300]


def _first_line(error):
    return str(error).strip().partition("\n")[0]
