"""LiteRT files (`.tflite`)."""

import pathlib
import zipfile

import numpy as np

from keras_effspine.errors import ModelFileError
from keras_effspine.runners.metadata import ENTRY, Metadata
from keras_effspine.runners.session import first_line, needs_runtime


class LiteRTSession:
    """A file in the interpreter of `ai-edge-litert`.

    Args:
        path: the file.
        threads: number of threads; None leaves it to the runtime.
    """

    def __init__(self, path: pathlib.Path, threads: int | None = None) -> None:
        self.metadata = Metadata.from_text(_text_of(path), path)
        with needs_runtime("ai-edge-litert"):
            from ai_edge_litert.interpreter import Interpreter
        try:
            self._interpreter = Interpreter(str(path), num_threads=threads)
            self._interpreter.allocate_tensors()  # now, since the runtime logs what it chooses then
            self._signature = self._interpreter.get_signature_runner()
        except (ValueError, RuntimeError, UnicodeError) as error:
            raise ModelFileError(
                f"{path}: is damaged, or LiteRT cannot run it ({first_line(error)})."
            ) from error

    def run(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """All outputs by name, for a batch of the size that the file takes."""
        return dict(self._signature(images=images))


def _text_of(path: pathlib.Path) -> bytes | None:
    """The metadata: associated files of a LiteRT model are a ZIP archive at its end."""
    with open(path, "rb") as file:
        if file.read(8)[4:] != b"TFL3":
            raise ModelFileError(f"{path}: is no LiteRT model, or is damaged.")
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.read(ENTRY)
    except (zipfile.BadZipFile, KeyError):
        return None
