"""SSDLite: the levels behind a network, and predictions that each level has of its own.

As the public code has it (tensorflow/models, object_detection), after arXiv:1801.04381, 6.2, and
arXiv:1905.02244, 6.3.
"""

from collections.abc import Mapping

from keras import KerasTensor, layers

from keras_effspine.networks.operations import Operations


def ssdlite_levels(
    top: KerasTensor, level: int, widths: tuple[int, ...], operations: Operations
) -> dict[int, KerasTensor]:
    """Further levels, each by a 1x1 convolution and a separable one of stride 2.

    Args:
        top: the network's last map `(batch, height, width, channels)`.
        level: its level.
        widths: channels of the levels behind it; the 1x1 convolution before has half of them.
        operations: `Operations`.

    Returns:
        Dictionary from level, `level + 1` on, to `(batch, height, width, width)`.
    """
    maps, x = {}, top
    for number, width in enumerate(widths, start=level + 1):
        x = operations.convolution(x, max(1, width // 2), f"p{number}_reduce")
        x = operations.depthwise(x, f"p{number}_down", strides=2)
        x = operations.convolution(x, width, f"p{number}")
        maps[number] = x
    return maps


def ssdlite_prediction(
    pyramid: Mapping[str, KerasTensor],
    outputs_per_location: int,
    operations: Operations,
    name: str,
    bias: float = 0.0,
) -> dict[str, KerasTensor]:
    """A prediction of each level's own: depthwise 3x3, normalisation, activation, 1x1 with bias.

    Args:
        pyramid: dictionary from level name to `(batch, height, width, channels)`, of any widths.
        outputs_per_location: number of predicted values at a location, over all its anchors.
        operations: `Operations`.
        name: beginning of the layers' names.
        bias: initial bias of the prediction.

    Returns:
        Dictionary from level name to `(batch, height, width, outputs_per_location)`.
    """
    found = {}
    for level, x in pyramid.items():
        of_level = f"{name}_{level.lower()}"
        x = operations.depthwise(x, f"{of_level}_spatial")
        predict: layers.Layer = operations.dense(
            outputs_per_location, f"{of_level}_prediction", 1, is_prediction=True, bias=bias
        )
        found[level] = predict(x)
    return found
