"""LiteRT's own metadata: what Android's and other tools read of a `.tflite` file.

Source: `metadata_schema.fbs` of tflite-support; that package has no release for today's Python.
"""

import io
import zipfile
from collections.abc import Sequence

from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from keras_effspine.exporting.flatbuffer_tables import Byte, FlatbufferTables, Number
from keras_effspine.runners.metadata import ENTRY, Metadata

_LABELS = "labels.txt"
_VALUE_LABELS = Byte(3)  # AssociatedFileType.TENSOR_VALUE_LABELS
_AXIS_LABELS = Byte(2)  # AssociatedFileType.TENSOR_AXIS_LABELS
_IMAGE_PROPERTIES = Byte(2)  # ContentProperties.ImageProperties
_NORMALIZATION = Byte(1)  # ProcessUnitOptions.NormalizationOptions
_RGB = Byte(1)  # ColorSpaceType.RGB


def with_metadata(model: bytes, metadata: Metadata) -> bytes:
    """A LiteRT model with its metadata, its labels and ours as associated files.

    Args:
        model: what the converter wrote.
        metadata: `Metadata`.
    """
    parsed = flatbuffer_utils.convert_bytearray_to_object(bytearray(model))
    signature = parsed.signatureDefs[0]
    order = {entry.tensorIndex: entry.name.decode() for entry in signature.outputs}
    outputs = [order[index] for index in parsed.subgraphs[0].outputs]
    buffer = schema.BufferT()
    buffer.data = _model_metadata(metadata, outputs)
    parsed.buffers.append(buffer)
    entry = schema.MetadataT()
    entry.name, entry.buffer = b"TFLITE_METADATA", len(parsed.buffers) - 1
    parsed.metadata = [*(parsed.metadata or ()), entry]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr(_LABELS, "".join(f"{name}\n" for name in metadata.class_names))
        files.writestr(ENTRY, metadata.as_text())
    # Appended, as readers look for the archive from the file's end.
    return bytes(flatbuffer_utils.convert_object_to_bytearray(parsed)) + archive.getvalue()


def _model_metadata(metadata: Metadata, outputs: Sequence[str]) -> bytes:
    """The flatbuffer `ModelMetadata`."""
    make = FlatbufferTables()
    labels = {
        "classes": make.table({0: make.text(_LABELS), 2: _VALUE_LABELS}),
        "scores": make.table({0: make.text(_LABELS), 2: _AXIS_LABELS}),
    }
    height, width = metadata.input_size
    size = make.table({0: Number(width), 1: Number(height)})
    content = make.table({0: _IMAGE_PROPERTIES, 1: make.table({0: _RGB, 1: size})})
    # The model normalises by itself.
    unchanged = make.table({0: make.numbers([0.0]), 1: make.numbers([1.0])})
    units = make.vector([make.table({0: _NORMALIZATION, 1: unchanged})])
    inputs = [
        make.table({0: make.text(name), 1: make.text(words), 3: content, 4: units})
        for name, words in metadata.inputs.items()
    ]
    described = [
        make.table(
            {
                0: make.text(name),
                1: make.text(metadata.outputs[name]),
                **({6: make.vector([labels[name]])} if name in labels else {}),
            }
        )
        for name in outputs
    ]
    subgraph = make.table({2: make.vector(inputs), 3: make.vector(described)})
    root = make.table(
        {
            0: make.text(metadata.name),
            1: make.text(f"{metadata.task}, {metadata.precision}"),
            3: make.vector([subgraph]),
            7: make.text("1.0.0"),
        }
    )
    return make.finished(root, b"M001")
