"""ONNX files (`.onnx`)."""

import pathlib

import numpy as np

from keras_effspine.errors import ModelFileError
from keras_effspine.runners.metadata import ENTRY, Metadata
from keras_effspine.runners.session import first_line, needs_runtime


class OnnxSession:
    """A file in `onnxruntime`, on the CPU.

    Args:
        path: the file.
        threads: number of threads; None leaves it to the runtime.
    """

    def __init__(self, path: pathlib.Path, threads: int | None = None) -> None:
        with needs_runtime("onnxruntime"):
            import onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # each kind of fault has a class of its own
            raise ModelFileError(
                f"{path}: is damaged, or ONNX Runtime cannot run it ({first_line(error)})."
            ) from error
        properties = self._session.get_modelmeta().custom_metadata_map
        self.metadata = Metadata.from_text(properties.get(ENTRY), path)
        self._names = [output.name for output in self._session.get_outputs()]

    def run(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """All outputs by name, for a batch of the size that the file takes."""
        return dict(zip(self._names, self._session.run(None, {"images": images}), strict=True))
