"""SpineNet and Mobile SpineNet, on which Eff-SpineNet stands, as a keras-cv backbone."""

import dataclasses
import os
from collections.abc import Sequence
from typing import Any

import keras

from keras_effspine.models.arguments import refuse_unknown_arguments
from keras_effspine.models.from_preset import backbone_from_preset
from keras_effspine.models.scale_permuted_backbone import ScalePermutedBackbone
from keras_effspine.pretrained.shipped import keras_cv_presets
from keras_effspine.topology.spinenet import ACTIVATIONS, SPECS, TF1


@keras.saving.register_keras_serializable(package="keras_effspine")
class SpineNetBackbone(ScalePermutedBackbone):
    """SpineNet: the scale-permuted backbones before Eff-SpineNet.

    Du et al., "SpineNet: Learning Scale-Permuted Backbone for Recognition and Localization", 2020
    ([arXiv:1912.05027](https://arxiv.org/abs/1912.05027)), as in the package tf-models-official:
    residual and bottleneck blocks (`"spinenet"`), or the MBConv blocks of its appendix, with the
    connections that Eff-SpineNet took over (`"spinenet_mobile"`).

    Output, levels and inputs are those of `EffSpineNetBackbone`; P2 is block 3 of SpineNet, block 4
    of Mobile SpineNet. Public weights for TensorFlow 1 and 2 become presets of this class by
    `effspine convert`.

    Args:
        family: `"spinenet"` or `"spinenet_mobile"`.
        variant: None for the code for TensorFlow 2, or `"tf1"` for that of tensorflow/tpu, which
            pads strided convolutions at both sides alike, pools once on the way down, and has
            other activations in squeeze-and-excitation.
        width_multiplier: float, multiplies all widths, which are then cut to integers; SpineNet's
            stem alone keeps its own.
        depth_multiplier: float, at least 1: number of blocks of a level over those of the table.
        block_repeats: int, or one int for each block of the table: the exact repeats;
            `depth_multiplier` is then unused.
        widths: one int a block: the exact widths; `width_multiplier` is then unused.
        stem_width: int, channels of the stem; None takes the family's.
        endpoint_width: int, channels of P3 to P7; None takes the family's.
        resample_alpha: float, width in which SpineNet resamples over that of the block that it
            reads; None takes the family's. Mobile SpineNet resamples without.
        activation: string, name of the activation function; None takes the family's.
        stochastic_depth_rate: float in [0, 1), the last block's rate; it grows linearly with the
            block's number.
        normalization: string, `"batch_norm"`; or `"group_norm"` or `"evonorm_s0"`, which normalise
            each picture by itself, for batches of one to four. The subnets have it, too.
        batch_norm_momentum: float, momentum of the moving statistics.
        batch_norm_epsilon: float, of any normalisation.
        include_rescaling: bool, whether inputs are normalised with ImageNet's mean and standard
            deviation inside the model.
        input_shape: tuple `(height, width, channels)`; None stands for any height or width.
        input_tensor: optional Keras tensor to use as the input.
        **kwargs: `name` and `trainable`.

    Raises:
        ValueError: if there is no such family or variant, or an argument does not fit its table.

    Example:

    ```python
    backbone = keras_effspine.SpineNetBackbone.from_preset("spinenet_mobile_49")
    features = backbone(np.random.uniform(0, 255, (1, 384, 384, 3)))  # (1, 48, 48, 48)
    ```
    """

    presets = keras_cv_presets("SpineNetBackbone")
    presets_with_weights = keras_cv_presets("SpineNetBackbone", with_weights=True)
    title = "SpineNet"
    source = "arXiv:1912.05027"
    spec_arguments = ("stem_width", "endpoint_width", "resample_alpha")

    def __init__(
        self,
        *,
        family: str = "spinenet",
        variant: str | None = None,
        width_multiplier: float = 1.0,
        depth_multiplier: float = 1.0,
        block_repeats: int | Sequence[int] | None = None,
        widths: int | Sequence[int] | None = None,
        stem_width: int | None = None,
        endpoint_width: int | None = None,
        resample_alpha: float | None = None,
        activation: str | None = None,
        stochastic_depth_rate: float = 0.0,
        normalization: str = "batch_norm",
        batch_norm_momentum: float = 0.99,
        batch_norm_epsilon: float = 1e-3,
        include_rescaling: bool = True,
        input_shape: tuple[int | None, ...] = (None, None, 3),
        input_tensor: keras.KerasTensor | None = None,
        **kwargs,
    ) -> None:
        refuse_unknown_arguments(SpineNetBackbone, kwargs)
        if family not in SPECS:
            raise ValueError(
                f"`family` must be one of {', '.join(SPECS)}. Received: family={family!r}"
            )
        if variant not in (None, "tf1"):
            raise ValueError(f"`variant` must be 'tf1' or None. Received: variant={variant!r}")
        if family == "spinenet_mobile" and resample_alpha is not None:
            raise ValueError(
                "Mobile SpineNet resamples without `resample_alpha`. "
                f"Received: resample_alpha={resample_alpha}"
            )
        given: dict[str, Any] = {
            "stem_width": stem_width,
            "endpoint_width": endpoint_width,
            "resample_alpha": resample_alpha,
        }
        changes = {name: value for name, value in given.items() if value is not None}
        of_variant: dict[str, Any] = TF1[family] if variant == "tf1" else {}
        super().__init__(
            dataclasses.replace(SPECS[family], **changes, **of_variant),
            width_multiplier=width_multiplier,
            depth_multiplier=depth_multiplier,
            block_repeats=block_repeats,
            widths=widths,
            activation=activation or ACTIVATIONS[family],
            stochastic_depth_rate=stochastic_depth_rate,
            normalization=normalization,
            batch_norm_momentum=batch_norm_momentum,
            batch_norm_epsilon=batch_norm_epsilon,
            include_rescaling=include_rescaling,
            input_shape=input_shape,
            input_tensor=input_tensor,
            **kwargs,
        )
        self.family = family
        self.variant = variant

    def get_config(self) -> dict:
        return {**super().get_config(), "family": self.family, "variant": self.variant}

    @classmethod
    def from_preset(
        cls, preset: str | os.PathLike, load_weights: bool | None = None, **kwargs
    ) -> "SpineNetBackbone":
        """Makes a backbone from a preset; arguments and errors as in `EffSpineNetBackbone`."""
        return backbone_from_preset(cls, preset, load_weights, **kwargs)
