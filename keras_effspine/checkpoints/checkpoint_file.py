"""TensorFlow's checkpoint files: found, opened, and read with errors that say which file."""

import os
import pathlib
import re
from typing import Any

import numpy as np

from keras_effspine.errors import CheckpointError

_READ_ERRORS = (ValueError, RuntimeError, IndexError)
"""What TensorFlow's reader raises beside its own errors."""

_OF_A_CHECKPOINT = re.compile(r"(.*)\.(index|meta|data-\d+-of-\d+)")


class CheckpointFile:
    """An open checkpoint, of TensorFlow 1 or 2.

    Args:
        path: its prefix (`model.ckpt-277200`), one of its files, or a folder that holds one.

    Raises:
        CheckpointError: if there is none, or it cannot be opened.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        self.prefix = _prefix(pathlib.Path(path))
        self._reader = self._attempt(_open, self.prefix)

    @property
    def name(self) -> str:
        """What messages call it."""
        return str(self.prefix)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Dictionary from the key of each tensor to its shape."""
        found = self._attempt(self._reader.get_variable_to_shape_map)
        return {key: tuple(shape) for key, shape in found.items()}

    def read(self, key: str) -> Any:
        """The tensor of a key as a NumPy array, or the bytes of a text.

        Raises:
            CheckpointError: if it cannot be read whole.
        """
        return self._attempt(self._reader.get_tensor, key)

    def read_finite(self, key: str) -> np.ndarray:
        """Numbers in float32.

        Raises:
            CheckpointError: if they cannot be read whole, or are not all finite.
        """
        value = np.asarray(self.read(key), "float32")
        if not np.isfinite(value).all():
            raise CheckpointError(f"{self.name}: {key} holds values that are no finite numbers.")
        return value

    def _attempt(self, function, *arguments):
        import tensorflow as tf

        try:
            return function(*arguments)
        except _READ_ERRORS + (tf.errors.OpError,) as error:
            reason = " ".join(str(getattr(error, "message", error)).split())[:200]
            raise CheckpointError(
                f"{self.name}: is no whole checkpoint of TensorFlow ({reason}). If a file was cut "
                "short (tensorflow/tpu#775), fetch it again."
            ) from error


def _open(prefix):
    import tensorflow as tf

    return tf.train.load_checkpoint(str(prefix))


def _prefix(path: pathlib.Path) -> pathlib.Path:
    if path.is_dir():
        found = sorted(path.glob("*.index"))
        if len(found) != 1:
            names = ", ".join(file.stem for file in found) or "none"
            raise CheckpointError(
                f"{path}: holds {len(found)} checkpoints ({names}); name one by its prefix, such "
                "as model.ckpt-277200."
            )
        return found[0].with_suffix("")
    named = _OF_A_CHECKPOINT.fullmatch(path.name)
    prefix = path.with_name(named[1]) if named else path
    if not pathlib.Path(f"{prefix}.index").is_file():
        raise CheckpointError(
            f"{path}: no such checkpoint; expected the prefix of its files, of which one is "
            f"{prefix.name}.index, or their folder."
        )
    return prefix
