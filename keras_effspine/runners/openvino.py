"""OpenVINO's intermediate representation (`.xml`, with a `.bin` beside it)."""

import pathlib
from typing import Any

import numpy as np

from keras_effspine.errors import ModelFileError
from keras_effspine.runners.metadata import Metadata
from keras_effspine.runners.session import first_line, needs_runtime

PLACE = ["model_info", "keras_effspine"]
"""Where in a model's runtime information the metadata stands."""


class OpenVinoSession:
    """A file in `openvino`, on the CPU.

    Args:
        path: the file.
        threads: number of threads; None leaves it to the runtime.
    """

    def __init__(self, path: pathlib.Path, threads: int | None = None) -> None:
        with needs_runtime("openvino"):
            import openvino
        core = openvino.Core()
        # In float32, as the model was measured, where the processor would prefer bfloat16.
        options: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32"}
        if threads is not None:
            options["INFERENCE_NUM_THREADS"] = threads
        try:
            model = core.read_model(str(path))
            text = model.get_rt_info(PLACE).astype(str) if model.has_rt_info(PLACE) else None
            self._model = core.compile_model(model, "CPU", options)
        except RuntimeError as error:
            raise ModelFileError(
                f"{path}: is damaged, or OpenVINO cannot run it ({first_line(error)})."
            ) from error
        self.metadata = Metadata.from_text(text, path)
        self._names = [output.get_any_name() for output in self._model.outputs]

    def run(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """All outputs by name, for a batch of the size that the file takes."""
        found = self._model({"images": images})
        return {name: found[index] for index, name in enumerate(self._names)}
