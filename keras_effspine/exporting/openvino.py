"""Writing OpenVINO's intermediate representation."""

import pathlib
import tempfile
from typing import Any

from keras_effspine.exporting.litert import Pictures
from keras_effspine.exporting.onnx import write_onnx
from keras_effspine.exporting.saved_model import write_saved_model
from keras_effspine.runners.metadata import Metadata
from keras_effspine.runners.openvino import PLACE
from keras_effspine.runners.session import needs_runtime


def write_openvino(
    function: Any, metadata: Metadata, file: pathlib.Path, pictures: Pictures | None
) -> None:
    """Converts a SavedModel of a function; the ONNX file of int8, and of what decodes boxes.

    Args:
        function, metadata, pictures: as in `write_litert`.
        file: path of the `.xml`; the `.bin` with the weights is written beside it.

    Raises:
        ModelFileError: if a package is missing.
    """
    with needs_runtime("openvino"):
        import openvino
    with tempfile.TemporaryDirectory() as folder:
        if pictures is not None or {"num_detections"} == {*metadata.outputs} - {
            "boxes",
            "classes",
            "confidence",
        }:
            source = pathlib.Path(folder) / "model.onnx"
            write_onnx(function, metadata, source, pictures)
        else:
            source = pathlib.Path(folder) / "model"
            write_saved_model(function, metadata, source)
        model = openvino.convert_model(source)
        shape = function.input_signature[0].shape
        model.reshape([-1 if side is None else side for side in shape])
        model.set_rt_info(metadata.as_text(), PLACE)
        model.set_rt_info(" ".join(metadata.class_names), ["model_info", "labels"])
        openvino.save_model(model, file, compress_to_fp16=metadata.precision == "float16")
