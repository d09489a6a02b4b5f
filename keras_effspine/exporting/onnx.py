"""Writing ONNX files."""

import pathlib
import tempfile
from typing import Any

import numpy as np

from keras_effspine.exporting.litert import Pictures
from keras_effspine.runners.metadata import ENTRY, Metadata
from keras_effspine.runners.session import needs_runtime

_OPSET = 17


def write_onnx(
    function: Any, metadata: Metadata, file: pathlib.Path, pictures: Pictures | None
) -> None:
    """Converts a function with tf2onnx, and to int8 with ONNX Runtime's quantisation.

    Int8 has one scale a channel for weights. Float16 means weights; ONNX Runtime unpacks them when
    it loads the file.

    Args:
        function, metadata, file, pictures: as in `write_litert`.

    Raises:
        ModelFileError: if a package is missing.
    """
    with needs_runtime("onnx"):
        import onnx
        import tf2onnx

    model, _ = tf2onnx.convert.from_function(
        function,
        input_signature=function.input_signature,
        opset=_OPSET,
        custom_rewriter=[_with_one_bias],
    )
    if metadata.precision == "float16":
        _halve_weights(model)
    elif pictures is not None:
        model = _quantized(model, pictures)
    entry = model.metadata_props.add()
    entry.key, entry.value = ENTRY, metadata.as_text()
    names = model.metadata_props.add()
    names.key, names.value = "labels", "\n".join(metadata.class_names)
    onnx.save(model, file)


def _with_one_bias(graph: Any, nodes: list[Any]) -> list[Any]:
    """Makes a convolution and an addition of each convolution with two biases.

    Keras adds two maps of one pixel each as if one were a bias; where a convolution with a bias of
    its own stands before that, tf2onnx gives it both, which no runtime takes.
    """
    for node in [node for node in nodes if node.type == "Conv2D" and len(node.input) == 4]:
        *inputs, added = node.input
        made = {
            "shapes": [graph.get_shape(node.output[0])],
            "dtypes": [graph.get_dtype(node.output[0])],
        }
        graph.remove_node(node.name)
        convolved = graph.make_node("Conv2D", inputs, attr=node.attr, skip_conversion=False, **made)
        both = [convolved.output[0], added]
        graph.make_node("AddV2", both, outputs=node.output, skip_conversion=False, **made)
    return graph.get_nodes()


def _halve_weights(model: Any) -> None:
    """Keeps large constants in float16, and casts them where they are used."""
    import onnx
    from onnx import helper, numpy_helper

    graph, casts = model.graph, []
    for weights in graph.initializer:
        if weights.data_type != onnx.TensorProto.FLOAT or np.prod(weights.dims) < 16:
            continue
        name = weights.name
        half = numpy_helper.from_array(
            numpy_helper.to_array(weights).astype("float16"), f"{name}_half"
        )
        weights.CopyFrom(half)
        casts.append(helper.make_node("Cast", [half.name], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def _quantized(model: Any, pictures: Pictures) -> Any:
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self._rest = iter(pictures())

        def get_next(self) -> dict[str, np.ndarray] | None:
            batch = next(self._rest, None)
            return None if batch is None else {"images": batch}

    with tempfile.TemporaryDirectory() as folder:
        before, ready, after = (pathlib.Path(folder) / f"{n}.onnx" for n in ("a", "b", "c"))
        onnx.save(model, before)
        quant_pre_process(before, ready, skip_symbolic_shape=True)
        quantize_static(
            ready,
            after,
            Reader(),
            op_types_to_quantize=["Conv", "MatMul"],
            per_channel=True,
            # Weights of 7 bits: sums of 8-bit products overflow on processors without VNNI.
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            extra_options={"ActivationSymmetric": False},
        )
        return onnx.load(after)
