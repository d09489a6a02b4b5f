"""Writing SavedModels."""

import pathlib
from typing import Any

import tensorflow as tf

from keras_effspine.runners.metadata import ENTRY, Metadata


def write_saved_model(
    function: Any, metadata: Metadata, folder: pathlib.Path, pictures: None = None
) -> None:
    """Writes a SavedModel that TensorFlow Serving answers with.

    Its signature `serving_default` has named inputs and outputs; the metadata are an asset.

    Args:
        function: what `frozen_function` returns.
        metadata: `Metadata`.
        folder: the folder to make.
        pictures: nothing is quantised here.
    """
    module = tf.Module()
    module.serve = function
    # The asset is copied when the model is saved, under the name of the file.
    entry = folder.with_name(f"{folder.name}.assets") / ENTRY
    entry.parent.mkdir(parents=True)
    entry.write_text(metadata.as_text())
    try:
        module.metadata = tf.saved_model.Asset(str(entry))
        # Nothing is to be trained, and swish brings a gradient that cannot be saved as constants.
        options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
        signatures = {"serving_default": function}
        tf.saved_model.save(module, str(folder), signatures, options)
    finally:
        entry.unlink()
        entry.parent.rmdir()
