"""Handles of presets in other places than this machine."""

import importlib
import os
import pathlib

from keras_cv.src.utils.preset_utils import get_file

from keras_effspine.errors import PresetError
from keras_effspine.pretrained.archive import fetch_archive
from keras_effspine.pretrained.preset import read_json


def fetch_handle(handle: str) -> tuple[pathlib.Path, pathlib.Path] | None:
    """The folder of a preset that a handle names, downloaded where it must be.

    Args:
        handle: `kaggle://...` or `gs://...` as in keras-cv; `hf://user/repository`, with
            `@revision` if wanted; or the address of a ZIP archive,
            `https://host/file.zip#sha256=HEX`.

    Returns:
        Pair of the folder, and the folder that its links must not leave; None where it is no
        handle.

    Raises:
        PresetError: if there is no such preset, or it cannot be downloaded.
    """
    if handle.startswith("hf://"):
        folder = _from_hugging_face(handle)
        return folder, folder.parents[1]  # a snapshot there is links to the repository's blobs
    if handle.startswith(("kaggle://", "gs://")):
        folder = _through_keras_cv(handle)
    elif handle.startswith(("https://", "http://")):
        folder = fetch_archive(handle)
    else:
        return None
    return folder, folder


def _through_keras_cv(handle: str) -> pathlib.Path:
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


def _from_hugging_face(handle: str) -> pathlib.Path:
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
