"""The formats that models are exported in."""

import dataclasses
import os
import pathlib
from collections.abc import Callable
from typing import Any

from keras_effspine.exporting.litert import write_litert
from keras_effspine.exporting.onnx import write_onnx
from keras_effspine.exporting.openvino import write_openvino
from keras_effspine.exporting.saved_model import write_saved_model

PRECISIONS = ("float32", "float16", "int8")


def _nothing_more(part: pathlib.Path, path: pathlib.Path) -> None:
    """A format of one file is complete as it is."""


def _move_weights(part: pathlib.Path, path: pathlib.Path) -> None:
    """OpenVINO's weights lie beside its file."""
    os.replace(part.with_suffix(".bin"), path.with_suffix(".bin"))


@dataclasses.dataclass(frozen=True)
class Format:
    """One format.

    Args:
        title: what it is called.
        suffix: of its files, or None where it is a folder.
        write: function of what `frozen_function` returns, `Metadata`, the path, and a function to
            representative pictures or None.
        precisions: those of `PRECISIONS` that it can hold.
        has_kernel: whether it has an operation of its own for suppression.
        complete: puts what was written beside a file in its place.
    """

    title: str
    suffix: str | None
    write: Callable[..., None]
    precisions: tuple[str, ...] = PRECISIONS
    has_kernel: bool = True
    complete: Callable[[pathlib.Path, pathlib.Path], Any] = _nothing_more


FORMATS = {
    "litert": Format("LiteRT", ".tflite", write_litert, has_kernel=False),
    "onnx": Format("ONNX", ".onnx", write_onnx),
    "openvino": Format("OpenVINO", ".xml", write_openvino, complete=_move_weights),
    "saved_model": Format("SavedModel", None, write_saved_model, ("float32",)),
}
