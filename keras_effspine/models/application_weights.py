"""Weights of `keras.applications` for the networks that they fit."""

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any

import keras
from keras import ops

from keras_effspine.errors import PresetError
from keras_effspine.topology.staged_network import StagedNetwork
from keras_effspine.topology.staged_networks import EFFICIENTNETS

_OURS = re.compile(r"stage(\d+)_unit(\d+)_(.+)")


@dataclasses.dataclass(frozen=True)
class _Names:
    """How Keras calls the layers of a network.

    Args:
        outside: dictionary from a layer's name outside of the stages.
        prefix: function from stage, unit, and the block's number in the network (from 0) to what
            the names of its layers begin with.
        parts: dictionary from the rest of a layer's name.
    """

    outside: Mapping[str, str]
    prefix: Callable[[int, int, int], str]
    parts: Mapping[str, str]


_EFFICIENTNET = _Names(
    {name: name for name in ("stem_conv", "stem_bn", "top_conv", "top_bn")},
    lambda stage, unit, block: f"block{stage}{chr(ord('a') + unit - 1)}_",
    {
        "expand_conv": "expand_conv",
        "expand_bn": "expand_bn",
        "spatial_depthwise": "dwconv",
        "spatial_bn": "bn",
        "se_reduce": "se_reduce",
        "se_expand": "se_expand",
        "project_conv": "project_conv",
        "project_bn": "project_bn",
    },
)
_MOBILENET_V2 = _Names(
    {"stem_conv": "Conv1", "stem_bn": "bn_Conv1", "top_conv": "Conv_1", "top_bn": "Conv_1_bn"},
    lambda stage, unit, block: f"block_{block}_" if block else "expanded_conv_",
    {
        "expand_conv": "expand",
        "expand_bn": "expand_BN",
        "spatial_depthwise": "depthwise",
        "spatial_bn": "depthwise_BN",
        "project_conv": "project",
        "project_bn": "project_BN",
    },
)
_MOBILENET_V3 = _Names(
    {"stem_conv": "conv", "stem_bn": "conv_bn", "top_conv": "conv_1", "top_bn": "conv_1_bn"},
    lambda stage, unit, block: f"expanded_conv_{block}_" if block else "expanded_conv_",
    {
        "expand_conv": "expand",
        "expand_bn": "expand_bn",
        "spatial_depthwise": "depthwise",
        "spatial_bn": "depthwise_bn",
        "se_reduce": "squeeze_excite_conv",
        "se_expand": "squeeze_excite_conv_1",
        "project_conv": "project",
        "project_bn": "project_bn",
    },
)
_RESNET = _Names(
    {"stem_conv": "conv1_conv", "stem_bn": "conv1_bn"},
    lambda stage, unit, block: f"conv{stage + 1}_block{unit}_",
    {
        f"{part}_{kind}": f"{number}_{kind}"
        for number, part in enumerate(("shortcut", "reduce", "spatial", "project"))
        for kind in ("conv", "bn")
    },
)
_NAMES = {
    "efficientnet": _EFFICIENTNET,
    "mobilenet_v2": _MOBILENET_V2,
    "mobilenet_v3_large": _MOBILENET_V3,
    "mobilenet_v3_small": _MOBILENET_V3,
    "resnet50": _RESNET,
    "resnet101": _RESNET,
}


def imagenet_application(
    network: str,
    width_multiplier: float = 1.0,
    depth_multiplier: float = 1.0,
    strided_reduction: bool = False,
) -> keras.Model:
    """The model of `keras.applications` with ImageNet weights, which Keras downloads once.

    Args:
        network: name of the network.
        width_multiplier, depth_multiplier, strided_reduction: see `ScaleDecreasedBackbone`.

    Raises:
        ValueError: if there are no weights for such a network.
        PresetError: if they cannot be downloaded.
    """
    if network not in _NAMES:
        raise ValueError(
            f"`weights='imagenet'` is there for {', '.join(_NAMES)}. Received: network={network!r}"
        )
    if _NAMES[network] is _RESNET and not strided_reduction:
        raise ValueError(
            "ResNet's weights for ImageNet go down in the first 1x1 convolution of a block: pass "
            "`strided_reduction=True`. Received: strided_reduction=False"
        )
    name, arguments = _application(network, width_multiplier, depth_multiplier)
    build = getattr(keras.applications, name)
    try:
        return build(
            include_top=False, weights="imagenet", input_shape=(None, None, 3), **arguments
        )
    except ValueError:
        raise
    except Exception as error:  # Keras raises nothing more telling
        reason = " ".join(str(error).split())
        raise PresetError(
            f"{network}: Keras could not fetch its ImageNet weights ({reason}). Try again with a "
            "network, or leave out weights='imagenet'."
        ) from error


def _application(network, width, depth):
    """Name of Keras' model, and the arguments that make this one."""
    if network == "efficientnet":
        if (width, depth) not in EFFICIENTNETS:
            raise ValueError(
                "`weights='imagenet'` is there for the multipliers of EfficientNet-B0 to B7, "
                f"{EFFICIENTNETS}. Received: width_multiplier={width}, depth_multiplier={depth}"
            )
        return f"EfficientNetB{EFFICIENTNETS.index((width, depth))}", {}
    has_widths = network.startswith("mobilenet")
    if depth != 1.0 or (width != 1.0 and not has_widths):
        raise ValueError(
            f"`weights='imagenet'` of {network} is for its own depth"
            f"{' and width' * (not has_widths)}. "
            f"Received: width_multiplier={width}, depth_multiplier={depth}"
        )
    name = {
        "mobilenet_v2": "MobileNetV2",
        "mobilenet_v3_large": "MobileNetV3Large",
        "mobilenet_v3_small": "MobileNetV3Small",
        "resnet50": "ResNet50",
        "resnet101": "ResNet101",
    }[network]
    return name, {"alpha": width} if has_widths else {}


def copy_weights(
    application: keras.Model, backbone: keras.Model, network: str, spec: StagedNetwork
) -> None:
    """Brings the weights of a model of `keras.applications` to a backbone of the same network.

    Features are then the same on the same pictures, each prepared by its own model.

    Args:
        application: the model, without a top.
        backbone: `ScaleDecreasedBackbone`.
        network: its network's name.
        spec: its network.
    """
    names = _NAMES[network]
    repeats = [stage.repeats for stage in spec.stages]
    biases: dict[str, Any] = {}
    for layer in backbone.layers:
        name = _name(layer.name, names, repeats)
        if name is None or not layer.weights:
            continue
        values = [ops.convert_to_numpy(w) for w in application.get_layer(name).weights]
        if names is _RESNET and name.endswith("_conv"):
            kernel, biases[name] = values
            if name == "conv1_conv":  # of blue, green, red with the mean taken off
                std = [255 * one for one in spec.pixel_std]
                kernel = kernel[:, :, ::-1] * ops.convert_to_numpy(std)[:, None]
            values = [kernel]
        elif names is _RESNET:
            gamma, beta, mean, variance = values
            values = [gamma, beta, mean - biases[name.replace("_bn", "_conv")], variance]
        layer.set_weights(values)


def _name(ours: str, names: _Names, repeats: list[int]) -> str | None:
    """Keras' name of a layer, or None for one that is no part of the network."""
    match = _OURS.fullmatch(ours)
    if match is None:
        return names.outside.get(ours)
    stage, unit, part = int(match[1]), int(match[2]), match[3]
    if part not in names.parts:
        return None
    return names.prefix(stage, unit, sum(repeats[: stage - 1]) + unit - 1) + names.parts[part]
