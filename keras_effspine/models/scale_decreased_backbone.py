"""Classification networks, with or without a feature pyramid, as a keras-cv backbone."""

import os
import re
from collections.abc import Callable, Mapping
from typing import Any, Self

import keras

from keras_effspine.models.application_weights import copy_weights, imagenet_application
from keras_effspine.models.arguments import refuse_unknown_arguments, require_at_least
from keras_effspine.models.from_preset import backbone_from_preset
from keras_effspine.models.layer_roles import LayerRole
from keras_effspine.models.pyramid_backbone import (
    PyramidBackbone,
    image_input,
    normalized,
    require_normalization,
    require_share,
)
from keras_effspine.networks.bi_fpn import bi_fpn
from keras_effspine.networks.feature_pyramid import feature_pyramid
from keras_effspine.networks.operations import Operations
from keras_effspine.networks.scale_permuted import average_at_lowest_level
from keras_effspine.networks.ssdlite import ssdlite_levels
from keras_effspine.networks.staged_network import build_staged_network
from keras_effspine.pretrained.shipped import keras_cv_presets
from keras_effspine.topology.pyramid import SSD_WIDTHS
from keras_effspine.topology.staged_networks import NETWORKS

_NECKS = ("fpn", "separable_fpn", "bifpn", "ssdlite")

# The names that the builders give; see `networks.staged_network`, `feature_pyramid`, `bi_fpn`.
_STEM = re.compile(r"rescaling$|stem_")
_OF_STAGE = re.compile(r"stage(\d+)_unit|(top)_")
_OF_LEVEL = re.compile(r"(?:cell\d+_)?p(\d+)_")
_RESAMPLING = re.compile(r"_lateral|_up$|_sum$|_from\d+_|_pool$")


@keras.saving.register_keras_serializable(package="keras_effspine")
class ScaleDecreasedBackbone(PyramidBackbone):
    """A classification network whose resolution only falls, and the pyramid on top of it.

    The peers of scale-permuted networks: EfficientNet, MobileNetV2 and V3, ResNet, with the feature
    pyramid network of RetinaNet or EfficientDet's BiFPN.

    With a pyramid the output is the average of P3 to P7, as `EffSpineNetBackbone` has it, and
    `pyramid_level_inputs` names P2 of the network and P3 to P7. Without one the output is the last
    level, and the levels are the network's own. Inputs are RGB in [0, 255], of any height and
    width, and normalised as the network's public weights ask for.

    Args:
        network: name of the network: `"efficientnet"` (B0; its relatives are scaled), ...; see
            `topology.staged_networks.NETWORKS`.
        neck: `"fpn"`, `"separable_fpn"` (with separable convolutions), `"bifpn"`, None, or
            `"ssdlite"`: levels P6 to P9 behind a MobileNet, whose expanded tensor at P4 and last
            map at P5 detectors read, `RetinaNet(predictor="ssdlite")`.
        width_multiplier: float, multiplies all widths of the network before they are rounded to
            multiples of 8.
        depth_multiplier: float, multiplies the blocks of each stage, rounded up.
        endpoint_width: int, channels of the neck's levels.
        neck_repeats: int, number of BiFPN's cells.
        output_stride: int, without a neck the stride below which the network does not go: 8, 16
            or 32. It is dilated instead (arXiv:1706.05587).
        has_top: bool, whether a network without a neck ends with the 1x1 convolution that its
            classifier pools.
        strided_reduction: bool, whether a ResNet goes down in the first 1x1 convolution of a block,
            as Keras' weights ask for, or in the 3x3.
        weights: `"imagenet"` for the network's weights of `keras.applications`, which Keras
            downloads once, or None for random ones. It is no part of the config.
        activation: string, name of the activation function; None takes the network's. Where
            MobileNetV3 has ReLU, it keeps it.
        stochastic_depth_rate: float in [0, 1), the last block's rate; it grows linearly with the
            block's number.
        normalization: string, `"batch_norm"`; or `"group_norm"` or `"evonorm_s0"`, which normalise
            each picture by itself, for batches of one to four. The subnets have it, too.
        batch_norm_momentum: float, momentum of the moving statistics.
        batch_norm_epsilon: float; None takes the network's.
        include_rescaling: bool, whether inputs are normalised inside the model.
        input_shape: tuple `(height, width, channels)`; None stands for any height or width.
        input_tensor: optional Keras tensor to use as the input.
        **kwargs: `name` and `trainable`.

    Raises:
        ValueError: if there is no such network or neck, or an argument is out of range.
        PresetError: a `ValueError`, if weights cannot be downloaded.

    Example:

    ```python
    backbone = keras_effspine.ScaleDecreasedBackbone(
        network="mobilenet_v2", neck="separable_fpn", width_multiplier=0.35, endpoint_width=32
    )
    features = backbone(np.random.uniform(0, 255, (1, 128, 128, 3)))  # (1, 16, 16, 32)
    ```
    """

    presets = keras_cv_presets("ScaleDecreasedBackbone")
    presets_with_weights = keras_cv_presets("ScaleDecreasedBackbone", with_weights=True)

    def __init__(
        self,
        *,
        network: str,
        neck: str | None = None,
        width_multiplier: float = 1.0,
        depth_multiplier: float = 1.0,
        endpoint_width: int = 64,
        neck_repeats: int = 3,
        output_stride: int = 32,
        has_top: bool = False,
        strided_reduction: bool = False,
        weights: str | None = None,
        activation: str | None = None,
        stochastic_depth_rate: float = 0.0,
        normalization: str = "batch_norm",
        batch_norm_momentum: float = 0.99,
        batch_norm_epsilon: float | None = None,
        include_rescaling: bool = True,
        input_shape: tuple[int | None, ...] = (None, None, 3),
        input_tensor: keras.KerasTensor | None = None,
        **kwargs: Any,
    ) -> None:
        refuse_unknown_arguments(ScaleDecreasedBackbone, kwargs)
        if network not in NETWORKS:
            raise ValueError(
                f"`network` must be one of {', '.join(NETWORKS)}. Received: network={network!r}"
            )
        if neck is not None and neck not in _NECKS:
            raise ValueError(
                f"`neck` must be one of {', '.join(_NECKS)}, or None. Received: neck={neck!r}"
            )
        require_at_least("endpoint_width", endpoint_width)
        require_at_least("neck_repeats", neck_repeats)
        if weights not in (None, "imagenet"):
            raise ValueError(f"`weights` must be 'imagenet' or None. Received: weights={weights!r}")
        if output_stride not in (8, 16, 32) or (neck is not None and output_stride != 32):
            raise ValueError(
                "`output_stride` must be 8, 16 or 32, and 32 with a neck. "
                f"Received: output_stride={output_stride}, neck={neck!r}"
            )
        if has_top and neck is not None:
            raise ValueError(
                f"`has_top` is of a network without a neck. Received: has_top=True, neck={neck!r}"
            )
        if neck == "ssdlite" and NETWORKS[network].top_width is None:
            raise ValueError(
                f"`neck='ssdlite'` stands on a network of MBConvs. Received: network={network!r}"
            )
        require_share("stochastic_depth_rate", stochastic_depth_rate)
        require_normalization(normalization)
        scaled = NETWORKS[network].scaled(width_multiplier, depth_multiplier)
        application = None
        if weights is not None:
            if normalization != "batch_norm":
                raise ValueError(
                    "`weights='imagenet'` is there for batch normalisation. "
                    f"Received: normalization={normalization!r}"
                )
            application = imagenet_application(
                network, width_multiplier, depth_multiplier, strided_reduction
            )
        activation = activation or scaled.activation
        batch_norm_epsilon = (
            scaled.batch_norm_epsilon if batch_norm_epsilon is None else batch_norm_epsilon
        )
        inputs = image_input(input_shape, input_tensor, include_rescaling)
        x = inputs
        if include_rescaling:
            x = normalized(inputs, scaled.pixel_mean, scaled.pixel_std)
        operations = Operations(
            activation,
            batch_norm_momentum,
            batch_norm_epsilon,
            scaled.symmetric_padding,
            normalization,
        )
        maps = build_staged_network(
            x,
            scaled,
            operations,
            stochastic_depth_rate,
            output_stride,
            strided_reduction,
            has_top or neck == "ssdlite",
        )
        levels = {level: x for level, x in maps.levels.items() if level >= 2}
        output = levels[max(levels)]
        if neck == "ssdlite":
            widths = tuple(scaled.rounded(width_multiplier * width) for width in SSD_WIDTHS)
            levels |= {4: maps.expanded[4], **ssdlite_levels(output, 5, widths, operations)}
            output = levels[max(levels)]
        elif neck is not None:
            endpoints = _PYRAMIDS[neck](
                maps.levels, inputs, endpoint_width, neck_repeats, operations
            )
            levels = {2: levels[2], **endpoints}
            output = average_at_lowest_level(endpoints, inputs)
        super().__init__(inputs=inputs, outputs=output, **kwargs)

        self.name_levels({f"P{level}": levels[level] for level in sorted(levels)})
        if neck not in _PYRAMIDS:
            self.output_level = max(levels)
        self.keep_arguments(
            {
                "network": network,
                "neck": neck,
                "width_multiplier": width_multiplier,
                "depth_multiplier": depth_multiplier,
                "endpoint_width": endpoint_width,
                "neck_repeats": neck_repeats,
                "output_stride": output_stride,
                "has_top": has_top,
                "strided_reduction": strided_reduction,
                "activation": activation,
                "stochastic_depth_rate": stochastic_depth_rate,
                "normalization": normalization,
                "batch_norm_momentum": batch_norm_momentum,
                "batch_norm_epsilon": batch_norm_epsilon,
                "include_rescaling": include_rescaling,
            }
        )
        if application is not None:
            copy_weights(application, self, network, scaled)

    def layer_roles(self) -> dict[str, LayerRole]:
        """The role of each layer by name, but for the average, which is a head's.

        A block's number is that of its stage.
        """
        roles = {}
        for layer in self.layers:
            name = layer.name
            if _STEM.match(name):
                roles[name] = LayerRole("stem")
            elif match := _OF_STAGE.match(name):
                roles[name] = LayerRole("blocks", int(match[1]) if match[1] else None)
            elif match := _OF_LEVEL.match(name):
                part = "endpoints"
                if "_fusion" in name:
                    part = "fusion"
                elif _RESAMPLING.search(name):
                    part = "resampling"
                roles[name] = LayerRole(part, level=int(match[1]))
        return roles

    @classmethod
    def from_preset(
        cls, preset: str | os.PathLike, load_weights: bool | None = None, **kwargs: Any
    ) -> Self:
        """Makes a backbone from a preset; arguments and errors as in `EffSpineNetBackbone`."""
        return backbone_from_preset(cls, preset, load_weights, **kwargs)


def _fpn(separable):
    def build(maps, images, width, repeats, operations):
        return feature_pyramid(maps, images, width, operations, separable)

    return build


_PYRAMIDS: Mapping[str, Callable] = {
    "fpn": _fpn(separable=False),
    "separable_fpn": _fpn(separable=True),
    "bifpn": bi_fpn,
}
