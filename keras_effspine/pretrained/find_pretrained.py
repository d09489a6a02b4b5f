"""The one place that knows what a name stands for."""

import os
import pathlib
import zipfile
from typing import cast

from keras_effspine.errors import PresetError, UnknownPresetError
from keras_effspine.pretrained.classes import check_classes
from keras_effspine.pretrained.handle import fetch_handle
from keras_effspine.pretrained.preset import read_json, read_preset
from keras_effspine.pretrained.pretrained import Pretrained
from keras_effspine.pretrained.run_file import RUN_FILE, RunFile
from keras_effspine.pretrained.saved_model import model_file, read_config
from keras_effspine.pretrained.shipped import list_presets
from keras_effspine.pretrained.shipped_archive import fetch_shipped
from keras_effspine.pretrained.thresholds_file import ThresholdsFile

_SUFFIX = ".weights.h5"


def find_pretrained(name: str | os.PathLike, last: bool = False) -> Pretrained:
    """Finds what `--preset`, `from_preset`, and the verbs that use a model, are given.

    Args:
        name: name of a preset of the package; handle of a preset elsewhere, see `fetch_handle`;
            or path of a run folder, of a preset folder, or of a `.keras` file. A name of the
            package's goes before a folder that is named alike, which is reached with a separator
            (`./m0`) or as a `pathlib.Path`.
        last: whether to take a run's last model in place of its best.

    Returns:
        `Pretrained`. Its classes are known to Keras; nothing that a preset brings was executed,
        and nothing outside of its folder was read.

    Raises:
        UnknownPresetError: if it is none of these.
        PresetError: if it cannot be downloaded, is broken, or holds what must not be loaded.
    """
    presets = list_presets()
    if name in presets:
        folder = fetch_shipped(presets[name])
        return _of_preset(name, folder, folder)
    handle = os.fspath(name)
    found = fetch_handle(handle)
    if found is not None:
        return _of_preset(handle, *found)
    path = pathlib.Path(handle).absolute()
    if (path / RUN_FILE).is_file():
        return _of_run(handle, path, last)
    if (path / "config.json").is_file():
        return _of_preset(handle, path, path)
    if path.suffix == ".keras" and path.is_file():
        return Pretrained(handle, _read_checked(path, handle), path)
    raise UnknownPresetError(
        f"Unknown preset '{handle}'. Known presets: {', '.join(presets)}. The path of a preset "
        "folder, which holds a config.json, of a run folder or of a .keras file is accepted too, "
        "as are handles: kaggle://, gs://, hf:// and https://."
    )


def _of_preset(name: str, folder: pathlib.Path, root: pathlib.Path) -> Pretrained:
    file = _inside(folder, "config.json", root)
    _inside(folder, "metadata.json", root)
    preset, config = read_preset(folder), read_json(file)
    if not isinstance(config.get("config"), dict):
        raise PresetError(f"{file}: is no preset's; it has no 'config'.")
    check_classes(config, file)
    weights = None
    if preset.weights is not None:
        weights = _inside(folder, preset.weights, root)
        if not str(preset.weights).endswith(_SUFFIX):
            raise PresetError(
                f"{name}: weights are loaded from *{_SUFFIX} files alone, which hold nothing "
                f"to execute; config.json names {preset.weights!r}."
            )
    trained = preset.trained or {}
    return Pretrained(
        name=name,
        config=config,
        weights=weights,
        weights_sha256=preset.weights_sha256,
        task=trained.get("task"),
        class_names=tuple(trained["class_names"]) if trained.get("class_names") else None,
        image_size=preset.input_size,
        image_sizes=preset.input_sizes,
        score_thresholds=trained.get("score_thresholds") or {},
        tiles=(trained.get("recipe") or {}).get("tiles"),
        model_arguments=preset.model_arguments,
    )


def _inside(folder: pathlib.Path, name: str, root: pathlib.Path) -> pathlib.Path:
    """The path of a file of the folder; neither its name nor a link may lead out of `root`."""
    path = folder / name
    if not path.resolve().is_relative_to(root.resolve()) or os.path.isabs(name):
        raise PresetError(f"{folder}: {name!r} leads out of the preset's folder; it is not read.")
    return path


def _of_run(name: str, folder: pathlib.Path, last: bool) -> Pretrained:
    file = model_file(folder, last)
    if not file.is_file():
        raise PresetError(
            f"{name}: the run holds no model yet; its training has kept no state ({file.name}: no "
            "such file)."
        )
    run = RunFile.read(folder, PresetError)
    thresholds = ThresholdsFile.read(folder, PresetError)
    is_last = file == model_file(folder, last=True)
    config = _read_checked(file, "the model of a run")
    predicted = config["config"].get("num_classes")
    if isinstance(predicted, int) and predicted != len(run.class_names):
        raise PresetError(
            f"{folder / RUN_FILE}: names {len(run.class_names)} classes, its model {file.name} "
            f"predicts {predicted}."
        )
    for value in ("task", "image_size", "batch_size"):
        if getattr(run.recipe, value) is None:
            raise PresetError(f"{folder / RUN_FILE}: the recipe names no {value}.")
    return Pretrained(
        name=f"{name} ({file.name})",
        config=config,
        weights=file,
        task=run.recipe.task,
        class_names=run.class_names,
        image_size=run.recipe.image_size,
        run=folder,
        batch_size=cast(int, run.recipe.batch_size),
        tiles=run.recipe.tiles,
        is_last=is_last,
        score_thresholds=(thresholds.last if is_last else thresholds.best) or {},
    )


def _read_checked(file: pathlib.Path, what: str) -> dict:
    try:
        config = read_config(file)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise PresetError(f"{file}: cannot be read as {what} ({error}).") from error
    if not isinstance(config.get("config"), dict):
        raise PresetError(f"{file}: cannot be read as {what} (it has no 'config').")
    check_classes(config, file)
    return config
