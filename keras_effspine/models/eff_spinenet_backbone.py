"""Eff-SpineNet as a keras-cv backbone."""

import dataclasses
import os
from collections.abc import Sequence

import keras

from keras_effspine.models.arguments import refuse_unknown_arguments
from keras_effspine.models.from_preset import backbone_from_preset
from keras_effspine.models.scale_permuted_backbone import ScalePermutedBackbone
from keras_effspine.pretrained.shipped import keras_cv_presets
from keras_effspine.topology.eff_spinenet import SPEC, VARIANTS


@keras.saving.register_keras_serializable(package="keras_effspine")
class EffSpineNetBackbone(ScalePermutedBackbone):
    """Efficient SpineNet: a scale-permuted backbone with a learned resource distribution.

    Du et al., "Efficient Scale-Permuted Backbone with Learned Resource Distribution", 2020
    ([arXiv:2010.11426](https://arxiv.org/abs/2010.11426)).

    The model's single output is the average of the endpoints P3 to P7, nearest-upsampled to P3
    (4.2 and 4.3 of the paper), `(batch, ceil(height / 8), ceil(width / 8), endpoint_width)`.
    `pyramid_level_inputs` names the layers of P2 (block 4) and of the endpoints P3 to P7. Inputs
    are RGB in [0, 255], of any height and width.

    Args:
        width_multiplier: float, multiplies all widths before they are rounded to multiples of 8.
        depth_multiplier: float, at least 1: number of blocks of a level over those of the table,
            with uniform repeats and the remainder bottom-up (3.1); L6 and L7 stay as they are.
        block_repeats: int, or one int for each of the 18 blocks: the exact repeats;
            `depth_multiplier` is then unused.
        betas: one positive number a block, its share of resources (equation 4); None leaves the
            widths of SP-EfficientNet-B0. Defaults to the distribution of the paper.
        widths: one int a block: the exact widths; `width_multiplier` and `betas` are then unused.
        endpoint_width: int, channels of P3 to P7: the width of the subnets that read them.
        use_space_to_depth: bool, whether downsampling begins with space-to-depth (3.2).
        weighted_fusion: bool, equation 1 where true, a plain sum where false; None takes the
            former, or what the variant has.
        squeeze_excitation_ratio: float, or None for no squeeze-and-excitation.
        variant: None for the paper's network, or `"2020_04"` for an early form of the authors'
            code, which `topology/eff_spinenet.py` describes; its widths are its own, without betas.
        activation: string, name of the activation function.
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
        ValueError: if an argument does not fit the table of 18 blocks, or is out of range.

    Example:

    ```python
    backbone = keras_effspine.EffSpineNetBackbone.from_preset("d0")
    features = backbone(np.random.uniform(0, 255, (1, 512, 512, 3)))  # (1, 64, 64, 64)

    # A smaller model of your own, without weighted fusion
    backbone = keras_effspine.EffSpineNetBackbone(
        width_multiplier=0.3, endpoint_width=24, weighted_fusion=False
    )
    ```
    """

    presets = keras_cv_presets("EffSpineNetBackbone")
    presets_with_weights = keras_cv_presets("EffSpineNetBackbone", with_weights=True)
    title = "Eff-SpineNet"
    source = "arXiv:2010.11426"
    spec_arguments = (
        "betas",
        "endpoint_width",
        "use_space_to_depth",
        "weighted_fusion",
        "squeeze_excitation_ratio",
    )

    def __init__(
        self,
        *,
        width_multiplier: float = 1.0,
        depth_multiplier: float = 1.0,
        block_repeats: int | Sequence[int] | None = None,
        betas: Sequence[float] | None = SPEC.betas,
        widths: int | Sequence[int] | None = None,
        endpoint_width: int = SPEC.endpoint_width,
        use_space_to_depth: bool = SPEC.use_space_to_depth,
        weighted_fusion: bool | None = None,
        squeeze_excitation_ratio: float | None = SPEC.squeeze_excitation_ratio,
        variant: str | None = None,
        activation: str = "swish",
        stochastic_depth_rate: float = 0.0,
        normalization: str = "batch_norm",
        batch_norm_momentum: float = 0.99,
        batch_norm_epsilon: float = 1e-3,
        include_rescaling: bool = True,
        input_shape: tuple[int | None, ...] = (None, None, 3),
        input_tensor: keras.KerasTensor | None = None,
        **kwargs,
    ) -> None:
        refuse_unknown_arguments(EffSpineNetBackbone, kwargs)
        if variant is not None and variant not in VARIANTS:
            raise ValueError(
                f"`variant` must be one of {', '.join(VARIANTS)}, or None. "
                f"Received: variant={variant!r}"
            )
        start = SPEC if variant is None else VARIANTS[variant]
        if betas is not None:
            betas = tuple(betas)
            if variant is not None and betas != SPEC.betas:
                raise ValueError(f"`variant` has its own widths, without betas. Received: {betas}")
        spec = dataclasses.replace(
            start,
            betas=betas if variant is None else None,
            endpoint_width=endpoint_width,
            use_space_to_depth=use_space_to_depth,
            weighted_fusion=start.weighted_fusion if weighted_fusion is None else weighted_fusion,
            squeeze_excitation_ratio=squeeze_excitation_ratio,
        )
        super().__init__(
            spec,
            width_multiplier=width_multiplier,
            depth_multiplier=depth_multiplier,
            block_repeats=block_repeats,
            widths=widths,
            activation=activation,
            stochastic_depth_rate=stochastic_depth_rate,
            normalization=normalization,
            batch_norm_momentum=batch_norm_momentum,
            batch_norm_epsilon=batch_norm_epsilon,
            include_rescaling=include_rescaling,
            input_shape=input_shape,
            input_tensor=input_tensor,
            **kwargs,
        )
        self.variant = variant

    def get_config(self) -> dict:
        return {**super().get_config(), "variant": self.variant}

    @classmethod
    def from_preset(
        cls, preset: str | os.PathLike, load_weights: bool | None = None, **kwargs
    ) -> "EffSpineNetBackbone":
        """Makes a backbone from a preset.

        Args:
            preset: name of a preset (see `EffSpineNetBackbone.presets`); path of a preset folder; a
                `kaggle://`, `gs://` or `hf://` handle; or `https://host/file.zip#sha256=HEX`. Of a
                task's preset the backbone is taken.
            load_weights: whether to load trained weights; None loads them where the preset has any,
                and otherwise says once that it has none.
            **kwargs: constructor arguments that override the preset's. Weights are then loaded as
                far as they fit, and a warning says what starts anew.

        Raises:
            PresetError: a `ValueError`, if the preset is unknown, broken or of another class, or if
                weights are asked for and it has none.
        """
        return backbone_from_preset(cls, preset, load_weights, **kwargs)
