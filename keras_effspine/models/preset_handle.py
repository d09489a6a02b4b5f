"""What `from_preset` may be given, checked before keras-cv's loader sees it."""

import os

from keras_cv.src.utils.preset_utils import check_preset_class


def preset_handle(preset, presets):
    """The handle as keras-cv's loader wants it, a string.

    Args:
        preset: name of a preset, path of a preset folder, or a `kaggle://` or `gs://` handle.
        presets: the presets known by name.

    Raises:
        ValueError: if it is none of these; names the presets that there are.
    """
    handle = os.fspath(preset)
    if handle in presets:
        return presets[handle]["kaggle_handle"]
    if handle.startswith(("kaggle://", "gs://")) or os.path.isdir(handle):
        return handle
    raise ValueError(
        f"Unknown preset '{handle}'. Known presets: {', '.join(presets)}. "
        "A path of a preset folder, or a kaggle:// or gs:// handle, is accepted too."
    )


def preset_class(handle, classes):
    """The class that a preset makes, which must be a subclass of one of `classes`."""
    return check_preset_class(handle, classes)
