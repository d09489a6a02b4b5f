"""RetinaNet's subnets: with separable convolutions, as the paper uses them (4.1, Table 2), or
without, as SpineNet's detectors have them."""

from collections.abc import Mapping

from keras import KerasTensor, layers

from keras_effspine.networks.operations import Operations


def retinanet_subnet(
    pyramid: Mapping[str, KerasTensor],
    num_layers: int,
    operations: Operations,
    name: str,
    separable: bool = True,
    width: int | None = None,
) -> dict[str, KerasTensor]:
    """The layers before a prediction, over all levels of a pyramid.

    `num_layers` times a 3x3 convolution with bias, whose weights all levels share, batch
    normalisation for each level of its own, and activation.

    Args:
        pyramid: dictionary from level name to `(batch, height, width, channels)`.
        num_layers: number of layers.
        operations: `Operations`.
        name: beginning of the layers' names.
        separable: whether the convolutions are separable.
        width: channels of the layers; None takes those of the pyramid.

    Returns:
        Dictionary from level name to `(batch, height, width, width)`.
    """
    features = dict(pyramid)
    width = width or next(iter(features.values())).shape[-1]
    convolution = operations.separable if separable else operations.dense
    for index in range(1, num_layers + 1):
        shared = convolution(width, f"{name}_layer{index}_conv")
        features = {
            level: operations.normalize(
                shared(x), f"{name}_layer{index}_{level.lower()}", activate=True
            )
            for level, x in features.items()
        }
    return features


def retinanet_prediction(
    features: Mapping[str, KerasTensor],
    outputs_per_location: int,
    operations: Operations,
    name: str,
    bias: float = 0.0,
    separable: bool = True,
) -> dict[str, KerasTensor]:
    """A 3x3 convolution with bias, whose weights all levels share.

    Args:
        features: dictionary from level name to `(batch, height, width, channels)`.
        outputs_per_location: number of predicted values at a location, over all its anchors.
        operations: `Operations`.
        name: beginning of the layer's name.
        bias: initial bias.
        separable: whether the convolution is separable.

    Returns:
        Dictionary from level name to `(batch, height, width, outputs_per_location)`.
    """
    convolution = operations.separable if separable else operations.dense
    predict = convolution(outputs_per_location, f"{name}_prediction", is_prediction=True, bias=bias)
    return {level: predict(x) for level, x in features.items()}


def concatenate_levels(maps: Mapping[str, KerasTensor], values: int, name: str) -> KerasTensor:
    """The predictions of all levels in one tensor, a row for each anchor.

    In float32 under any precision policy: losses and decoding need the precision.

    Args:
        maps: dictionary from level name to `(batch, height, width, anchors * values)`.
        values: number of predicted values of an anchor.
        name: name of the output; begins the names of the layers.

    Returns:
        `(batch, rows, values)`, level by level in the order of `maps`.
    """
    rows = [
        layers.Reshape((-1, values), dtype="float32", name=f"{name}_{level.lower()}")(x)
        for level, x in maps.items()
    ]
    return layers.Concatenate(axis=1, dtype="float32", name=name)(rows)
