"""Writing LiteRT files."""

import pathlib
import tempfile
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import tensorflow as tf

from keras_effspine.exporting.litert_metadata import with_metadata
from keras_effspine.exporting.saved_model import write_saved_model
from keras_effspine.runners.metadata import Metadata

Pictures = Callable[[], Iterable[np.ndarray]]
"""Function to batches as an exported function takes them, anew each time."""


def write_litert(
    function: Any, metadata: Metadata, file: pathlib.Path, pictures: Pictures | None
) -> None:
    """Converts a function with TensorFlow's converter.

    Int8 has one scale a channel for weights, and whole numbers throughout where an operation knows
    them; inputs and outputs stay float32. Float16 means weights, which the runtime unpacks.

    Args:
        function: what `frozen_function` returns.
        metadata: `Metadata`.
        file: path of the file.
        pictures: function to batches, by which int8 finds its ranges; else None.
    """
    with tempfile.TemporaryDirectory() as folder:
        saved = pathlib.Path(folder) / "model"
        write_saved_model(function, metadata, saved)
        converter = tf.lite.TFLiteConverter.from_saved_model(str(saved))
        if metadata.precision == "float16":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.target_spec.supported_types = [tf.float16]
        elif pictures is not None:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = lambda: ({"images": x} for x in pictures())
        file.write_bytes(with_metadata(converter.convert(), metadata))
