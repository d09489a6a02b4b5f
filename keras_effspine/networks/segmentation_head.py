"""The semantic segmentation head of the paper (4.3, Table 2)."""

from keras import KerasTensor, layers

from keras_effspine.networks.operations import Operations

PREDICTION = "segmentation_head_prediction"
"""Name of the layer that gives the logits."""


def segmentation_head(
    features: KerasTensor, num_layers: int, num_classes: int, operations: Operations
) -> KerasTensor:
    """Class logits at the resolution of the backbone's output.

    `num_layers` times a separable 3x3 convolution with bias, batch normalisation, and activation;
    then a 1x1 convolution with bias.

    Args:
        features: `(batch, height, width, channels)`.
        num_layers: number of layers before the prediction, all as wide as `features`.
        num_classes: number of logits at a place.
        operations: `Operations`.

    Returns:
        float32 `(batch, height, width, num_classes)` under any precision policy: losses and
        comparisons of classes need the precision.
    """
    x = features
    for index in range(1, num_layers + 1):
        name = f"segmentation_head_layer{index}"
        x = operations.separable(features.shape[-1], f"{name}_conv")(x)
        x = operations.normalize(x, name, activate=True)
    return layers.Conv2D(
        num_classes,
        1,
        kernel_initializer=operations.kernel_initializer,
        dtype="float32",
        name=PREDICTION,
    )(x)
