"""The second stage of Mask R-CNN with separable convolutions (4.1, Table 2).

Each head is a model of its own on the crops of one region, so that training and prediction call the
same layers on different regions.
"""

import keras
from keras import layers

from keras_effspine.networks.operations import Operations

BOX_CROP_SIZE = 7
MASK_CROP_SIZE = 14
MASK_SIZE = 2 * MASK_CROP_SIZE


def box_head(
    width: int, num_layers: int, dense_width: int, num_classes: int, operations: Operations
) -> keras.Model:
    """Class and box of a region.

    `num_layers` times a separable 3x3 convolution, batch normalisation and activation; a dense
    layer with the same; two linear predictions.

    Args:
        width: channels of the crops, and of the convolutions.
        num_layers: number of convolutions.
        dense_width: width of the dense layer.
        num_classes: number of predicted classes, the background included.
        operations: `Operations`.

    Returns:
        Model `"box_head"` from `(regions, 7, 7, width)` to a dictionary, in float32 under any
        precision: `"classification"`, logits `(regions, num_classes)`, and `"box"`, differences
        `(regions, num_classes * 4)`. The background's are never read; the published counts have
        them.
    """
    crops = keras.Input((BOX_CROP_SIZE, BOX_CROP_SIZE, width), name="box_crops")
    x = _convolutions(crops, num_layers, "box_head", operations)
    x = layers.Flatten(name="box_head_flatten")(x)
    x = layers.Dense(
        dense_width, kernel_initializer=operations.kernel_initializer, name="box_head_dense"
    )(x)
    x = operations.normalize(x, "box_head_dense", activate=True)
    outputs = {
        name: layers.Dense(
            values,
            kernel_initializer=keras.initializers.RandomNormal(stddev=deviation),
            dtype="float32",
            name=f"box_head_{name}",
        )(x)
        for name, values, deviation in (
            ("classification", num_classes, 0.01),
            ("box", 4 * num_classes, 0.001),
        )
    }
    return keras.Model(crops, outputs, name="box_head")


def mask_head(width: int, num_layers: int, num_classes: int, operations: Operations) -> keras.Model:
    """The mask of a region for each class.

    `num_layers` times a separable 3x3 convolution, batch normalisation and activation; a transposed
    2x2 convolution of stride 2 with the same; a separable 1x1 prediction.

    Args:
        width: channels of the crops, and of the convolutions.
        num_layers: number of convolutions.
        num_classes: number of predicted classes, the background included.
        operations: `Operations`.

    Returns:
        Model `"mask_head"` from `(regions, 14, 14, width)` to float32 logits
        `(regions, 28, 28, num_classes)`.
    """
    crops = keras.Input((MASK_CROP_SIZE, MASK_CROP_SIZE, width), name="mask_crops")
    x = _convolutions(crops, num_layers, "mask_head", operations)
    x = layers.Conv2DTranspose(
        width,
        2,
        strides=2,
        kernel_initializer=operations.kernel_initializer,
        name="mask_head_upsample",
    )(x)
    x = operations.normalize(x, "mask_head_upsample", activate=True)
    predict = operations.separable(
        num_classes, "mask_head_prediction", kernel_size=1, is_prediction=True
    )
    return keras.Model(
        crops,
        layers.Activation("linear", dtype="float32", name="mask_logits")(predict(x)),
        name="mask_head",
    )


def _convolutions(x, num_layers: int, name: str, operations: Operations):
    for index in range(1, num_layers + 1):
        layer = operations.separable(x.shape[-1], f"{name}_layer{index}_conv")
        x = operations.normalize(layer(x), f"{name}_layer{index}", activate=True)
    return x
