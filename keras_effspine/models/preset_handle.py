"""What `from_preset` may be given, as a folder on this machine."""

import importlib
import os
import pathlib

from keras_cv.src.utils.preset_utils import get_file

from keras_effspine.errors import PresetError
from keras_effspine.presets.archive import fetch_archive
from keras_effspine.presets.registry import list_presets, read_json


def find_preset_folder(preset):
    """The folder of a preset, downloaded where it must be.

    Args:
        preset: name of a preset of the package; path of a preset folder; a handle `kaggle://...` or
            `gs://...` as in keras-cv, or `hf://user/repository`, with `@revision` if wanted; or
            the address of a ZIP archive, `https://host/file.zip#sha256=HEX`.

    Returns:
        Pair of `pathlib.Path`s: the folder, and the folder that its links must not leave.

    Raises:
        PresetError: if there is no such preset, or it cannot be downloaded.
    """
    handle = os.fspath(preset)
    presets = list_presets()
    if handle in presets:
        return presets[handle].folder, presets[handle].folder
    if handle.startswith(("kaggle://", "gs://")):
        folder = _through_keras_cv(handle)
    elif handle.startswith("hf://"):
        folder = _from_hugging_face(handle)
        return folder, folder.parents[1]  # a snapshot there is links to the repository's blobs
    elif handle.startswith(("https://", "http://")):
        folder = fetch_archive(handle)
    elif os.path.isfile(os.path.join(handle, "config.json")):
        folder = pathlib.Path(handle).absolute()
    else:
        raise PresetError(
            f"Unknown preset '{handle}'. Known presets: {', '.join(presets)}. The path of a preset "
            "folder, which holds a config.json, is accepted too, as are handles: kaggle://, gs://, "
            "hf:// and https://."
        )
    return folder, folder


def _through_keras_cv(handle):
    try:
        folder = pathlib.Path(get_file(handle, "config.json")).parent
        weights = read_json(folder / "config.json").get("weights")
        if weights:
            get_file(handle, os.path.basename(weights))
    except PresetError:
        raise
    except Exception as error:  # of any of the libraries in between
        raise PresetError(f"{handle}: cannot be downloaded ({error}).") from error
    try:
        get_file(handle, "metadata.json")
    except Exception:  # presets of others need not have one
        pass
    return folder


def _from_hugging_face(handle):
    try:
        hub = importlib.import_module("huggingface_hub")
    except ImportError as error:
        raise PresetError(
            f"{handle}: this needs huggingface_hub; install it with "
            "pip install 'keras-effspine[hub]'."
        ) from error
    repository, _, revision = handle.removeprefix("hf://").partition("@")
    try:
        return pathlib.Path(
            hub.snapshot_download(
                repository,
                revision=revision or None,
                allow_patterns=["config.json", "metadata.json", "*.weights.h5"],
            )
        )
    except Exception as error:  # the library's errors have no common class
        reason = str(error).partition("\n")[0]
        raise PresetError(f"{handle}: cannot be downloaded ({reason}).") from error
