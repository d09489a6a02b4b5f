"""The classes that a serialised model names: found by the names that Keras knows them by."""

import contextlib
import importlib
import os
from collections.abc import Iterator
from typing import Any

import keras

from keras_effspine.errors import PresetError

_PACKAGES = ("keras", "keras_cv", "keras_effspine")


def import_classes(config: Any) -> None:
    """Imports this package's modules that a serialised model names; they register with Keras.

    Args:
        config: what `keras.saving.serialize_keras_object` made.
    """
    for found in _objects(config):
        if _module(found).startswith("keras_effspine."):
            with contextlib.suppress(ImportError):  # the class may have moved to another module
                importlib.import_module(_module(found))


def check_classes(config: Any, file: str | os.PathLike) -> None:
    """Imports as `import_classes` does, and refuses code and classes of foreign packages.

    Classes that the running program registered with Keras are its own affair.

    Args:
        config: what `keras.saving.serialize_keras_object` made.
        file: where it stands, for the messages.

    Raises:
        PresetError: names the class.
    """
    import_classes(config)
    for found in _objects(config):
        name, module = found["class_name"], _module(found)
        if "lambda" in name.lower():
            raise PresetError(f"{file}: holds a {name}, which is code; presets are data alone.")
        package = module.split(".")[0]
        if not module or not isinstance(found.get("config"), dict) or _registered(found):
            continue
        if package == "keras_effspine":
            raise PresetError(
                f"{file}: names {module}.{name}, which this version of keras_effspine does not "
                "have."
            )
        if package not in _PACKAGES:
            raise PresetError(
                f"{file}: names the class {module}.{name}, which is neither of "
                f"{', '.join(_PACKAGES)} nor registered with Keras by this program; it is not "
                "imported."
            )


def class_of(config: dict[str, Any]) -> type:
    """The class of a serialised object; `keras.Model` where it is a model of another package."""
    found = _registered(config) or getattr(keras, config.get("class_name") or "", None)
    return found if isinstance(found, type) else keras.Model


def _registered(config: dict[str, Any]) -> Any:
    return keras.saving.get_registered_object(config.get("registered_name") or "")


def _module(config: dict[str, Any]) -> str:
    return str(config.get("module") or "")


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """The serialised objects within a value, the outer ones first."""
    if isinstance(value, dict):
        if isinstance(value.get("class_name"), str):
            yield value
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _objects(item)
