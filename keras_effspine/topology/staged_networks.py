"""The classification networks that peers of Eff-SpineNet stand on.

As Keras has them in `keras.applications`, whose weights fit them, with one exception: ResNet goes
down a level in the 3x3 convolution of a bottleneck, as the public detection code does, and in the
1x1 before it where its weights are Keras'.
"""

import dataclasses

from keras_effspine.topology.staged_network import Stage, StagedNetwork

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def _mbconv(width, repeats, strides, kernel_size, expansion, attention=False, activation=None):
    return Stage("mbconv", width, repeats, strides, kernel_size, expansion, attention, activation)


# arXiv:1905.11946, Table 1.
_EFFICIENTNET = StagedNetwork(
    stages=(
        _mbconv(16, 1, 1, 3, None, True),
        _mbconv(24, 2, 2, 3, 6, True),
        _mbconv(40, 2, 2, 5, 6, True),
        _mbconv(80, 3, 2, 3, 6, True),
        _mbconv(112, 3, 1, 5, 6, True),
        _mbconv(192, 4, 2, 5, 6, True),
        _mbconv(320, 1, 1, 3, 6, True),
    ),
    stem_width=32,
    top_width=1280,
    activation="swish",
    pixel_mean=IMAGENET_MEAN,
    pixel_std=IMAGENET_STD,
)

# arXiv:1801.04381, Table 2.
_MOBILENET_V2 = StagedNetwork(
    stages=(
        _mbconv(16, 1, 1, 3, None),
        _mbconv(24, 2, 2, 3, 6),
        _mbconv(32, 3, 2, 3, 6),
        _mbconv(64, 4, 2, 3, 6),
        _mbconv(96, 3, 1, 3, 6),
        _mbconv(160, 3, 2, 3, 6),
        _mbconv(320, 1, 1, 3, 6),
    ),
    stem_width=32,
    top_width=1280,
    scaled_top=False,
    activation="relu6",
)

# arXiv:1905.02244, Tables 1 and 2.
_MOBILENET_V3_LARGE = StagedNetwork(
    stages=(
        _mbconv(16, 1, 1, 3, None, activation="relu"),
        _mbconv(24, 1, 2, 3, 4, activation="relu"),
        _mbconv(24, 1, 1, 3, 3, activation="relu"),
        _mbconv(40, 3, 2, 5, 3, True, "relu"),
        _mbconv(80, 1, 2, 3, 6),
        _mbconv(80, 1, 1, 3, 2.5),
        _mbconv(80, 2, 1, 3, 2.3),
        _mbconv(112, 2, 1, 3, 6, True),
        _mbconv(160, 3, 2, 5, 6, True),
    ),
    stem_width=16,
    scaled_stem=False,
    top_width=960,
    activation="hard_swish",
    squeeze_excitation_of_expanded=True,
    squeeze_excitation_activation="relu",
    squeeze_excitation_gate="hard_sigmoid",
)

_MOBILENET_V3_SMALL = dataclasses.replace(
    _MOBILENET_V3_LARGE,
    stages=(
        _mbconv(16, 1, 2, 3, None, True, "relu"),
        _mbconv(24, 1, 2, 3, 72 / 16, activation="relu"),
        _mbconv(24, 1, 1, 3, 88 / 24, activation="relu"),
        _mbconv(40, 1, 2, 5, 4, True),
        _mbconv(40, 2, 1, 5, 6, True),
        _mbconv(48, 2, 1, 5, 3, True),
        _mbconv(96, 3, 2, 5, 6, True),
    ),
    top_width=576,
)


def _with_half_its_tail(network: StagedNetwork) -> StagedNetwork:
    """What MobileNetV3's detectors have: half the channels behind stride 16 (6.3 of its paper)."""
    *first, last = network.stages
    assert network.top_width is not None
    return dataclasses.replace(
        network,
        stages=(*first, dataclasses.replace(last, width=last.width // 2)),
        top_width=network.top_width // 2,
    )


def _resnet(*repeats: int) -> StagedNetwork:
    """arXiv:1512.03385, Table 1."""
    return StagedNetwork(
        stages=tuple(
            Stage("bottleneck", width, count, strides)
            for width, count, strides in zip(
                (64, 128, 256, 512), repeats, (1, 2, 2, 2), strict=True
            )
        ),
        stem_width=64,
        stem_kernel_size=7,
        stem_pool=True,
        activation="relu",
        symmetric_padding=True,
        batch_norm_epsilon=1.001e-5,
        # Keras' weights are for this mean; their kernels for another deviation follow it.
        pixel_mean=(123.68 / 255, 116.779 / 255, 103.939 / 255),
        pixel_std=IMAGENET_STD,
    )


NETWORKS = {
    "efficientnet": _EFFICIENTNET,
    "mobilenet_v2": _MOBILENET_V2,
    "mobilenet_v3_large": _MOBILENET_V3_LARGE,
    "mobilenet_v3_small": _MOBILENET_V3_SMALL,
    "mobilenet_v3_large_half_tail": _with_half_its_tail(_MOBILENET_V3_LARGE),
    "mobilenet_v3_small_half_tail": _with_half_its_tail(_MOBILENET_V3_SMALL),
    "resnet50": _resnet(3, 4, 6, 3),
    "resnet101": _resnet(3, 4, 23, 3),
}
"""EfficientNet-B0, whose relatives are its widths and repeats scaled, and the others."""

EFFICIENTNETS = (
    *((1.0, 1.0), (1.0, 1.1), (1.1, 1.2), (1.2, 1.4)),
    *((1.4, 1.8), (1.6, 2.2), (1.8, 2.6), (2.0, 3.1)),
)
"""Width and depth multiplier of EfficientNet-B0 to B7."""
