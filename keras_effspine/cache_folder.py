"""Where the package keeps what it can make again."""

import os
import pathlib


def cache_folder() -> pathlib.Path:
    """The folder that `EFFSPINE_CACHE` names, or else `~/.cache/keras_effspine`."""
    return pathlib.Path(
        os.environ.get("EFFSPINE_CACHE") or pathlib.Path.home() / ".cache/keras_effspine"
    )
