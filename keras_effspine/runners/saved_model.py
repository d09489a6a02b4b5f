"""TensorFlow's SavedModels (a folder); the one format whose runtime is TensorFlow."""

import pathlib

import numpy as np

from keras_effspine.errors import ModelFileError
from keras_effspine.runners.metadata import ENTRY, Metadata
from keras_effspine.runners.session import first_line, needs_runtime


class SavedModelSession:
    """A SavedModel's serving signature.

    Args:
        path: the folder.
        threads: must be None: TensorFlow's threads are those of the whole process.
    """

    def __init__(self, path: pathlib.Path, threads: int | None = None) -> None:
        entry = path / "assets" / ENTRY
        self.metadata = Metadata.from_text(entry.read_text() if entry.is_file() else None, path)
        if threads is not None:
            raise ModelFileError(f"{path}: TensorFlow takes no number of threads for one model.")
        with needs_runtime("tensorflow"):
            import tensorflow as tf
        try:
            self._module = tf.saved_model.load(str(path))
            self._signature = self._module.signatures["serving_default"]
        except Exception as error:  # each kind of fault has a class of its own
            raise ModelFileError(
                f"{path}: is damaged, or TensorFlow cannot run it ({first_line(error)})."
            ) from error

    def run(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """All outputs by name, for a batch of the size that the model takes."""
        return {name: x.numpy() for name, x in self._signature(images=images).items()}
