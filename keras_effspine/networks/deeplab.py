"""DeepLabV3 (arXiv:1706.05587) and the decoder of DeepLabV3+ (arXiv:1802.02611)."""

from collections.abc import Sequence

from keras import KerasTensor, layers

from keras_effspine.layers.bilinear_upsampling import BilinearUpsampling
from keras_effspine.layers.level_resizing import Spread
from keras_effspine.networks.operations import Operations

LOW_LEVEL = 2
"""The level that the decoder reads beside the deep features."""

_LOW_WIDTH = 48


def atrous_pooling(
    features: KerasTensor, width: int, rates: Sequence[int], operations: Operations
) -> KerasTensor:
    """Atrous spatial pyramid pooling: several views of the surroundings side by side.

    A 1x1 convolution, a dilated 3x3 one for each rate, and the average of the whole map; then a
    1x1 convolution of all of them. As `keras_cv.layers.SpatialPyramidPooling` has it.

    Args:
        features: `(batch, height, width, channels)`.
        width: channels of each view, and of the result.
        rates: dilation rates; none leaves the 1x1 convolution and the average, as MobileNetV2's
            authors do.
        operations: `Operations`.

    Returns:
        `(batch, height, width, width)`.
    """
    views = [operations.convolution(features, width, "aspp_near")]
    views += [
        operations.convolution(
            features, width, f"aspp_rate{rate}", kernel_size=3, dilation_rate=rate
        )
        for rate in rates
    ]
    pooled = layers.GlobalAveragePooling2D(keepdims=True, name="aspp_pool")(features)
    pooled = operations.convolution(pooled, width, "aspp_whole")
    views.append(Spread(name="aspp_spread")(pooled, features))
    return operations.convolution(layers.Concatenate(name="aspp")(views), width, "aspp_joined")


def deeplab_decoder(
    deep: KerasTensor,
    level: int,
    low: KerasTensor,
    images: KerasTensor,
    width: int,
    operations: Operations,
) -> KerasTensor:
    """Deep features enlarged, beside fine ones of stride 4, and a 1x1 convolution of both.

    As `keras_cv.models.DeepLabV3Plus` has it, which has one convolution where the paper has two
    of 3x3.

    Args:
        deep: what `atrous_pooling` returns.
        level: its level.
        low: the backbone's map of stride 4.
        images: the network's input, by whose size enlarged maps are cropped.
        width: channels of the result.
        operations: `Operations`.

    Returns:
        `(batch, ceil(height / 4), ceil(width / 4), width)`.
    """
    low = operations.convolution(low, _LOW_WIDTH, "decoder_low")
    deep = BilinearUpsampling(level, LOW_LEVEL, name="decoder_up")(deep, images)
    return operations.convolution(
        layers.Concatenate(name="decoder")([deep, low]), width, "decoder_joined"
    )
