"""Eff-SpineNet as a keras-cv backbone."""

import keras
from keras_cv.models import Backbone

from keras_effspine.models.arguments import refuse_unknown_arguments
from keras_effspine.models.dtype_policies import dtype_config, dtype_policy_scope
from keras_effspine.models.from_preset import backbone_from_preset
from keras_effspine.models.preset_saving import PresetSaving
from keras_effspine.networks.operations import Operations
from keras_effspine.networks.scale_permuted import (
    Design,
    average_at_lowest_level,
    build_scale_permuted,
)
from keras_effspine.presets.registry import keras_cv_presets
from keras_effspine.topology import eff_spinenet
from keras_effspine.topology.repeats import scaled_repeats
from keras_effspine.topology.widths import scaled_widths

_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)


@keras.saving.register_keras_serializable(package="keras_effspine")
class EffSpineNetBackbone(PresetSaving, Backbone):
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
        weighted_fusion: bool, equation 1 where true, a plain sum where false.
        squeeze_excitation_ratio: float, or None for no squeeze-and-excitation.
        activation: string, name of the activation function.
        stochastic_depth_rate: float in [0, 1), the last block's rate; it grows linearly with the
            block's number.
        batch_norm_momentum: float, momentum of the moving statistics.
        batch_norm_epsilon: float.
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

    def __init__(
        self,
        *,
        width_multiplier=1.0,
        depth_multiplier=1.0,
        block_repeats=None,
        betas=eff_spinenet.BETAS,
        widths=None,
        endpoint_width=64,
        use_space_to_depth=True,
        weighted_fusion=True,
        squeeze_excitation_ratio=eff_spinenet.SQUEEZE_EXCITATION_RATIO,
        activation="swish",
        stochastic_depth_rate=0.0,
        batch_norm_momentum=0.99,
        batch_norm_epsilon=1e-3,
        include_rescaling=True,
        input_shape=(None, None, 3),
        input_tensor=None,
        **kwargs,
    ):
        refuse_unknown_arguments(EffSpineNetBackbone, kwargs)
        table = eff_spinenet.TABLE
        if widths is None:
            block_widths = scaled_widths(table, betas, width_multiplier)
        else:
            block_widths = _one_per_block("widths", widths, table)
        if block_repeats is None:
            repeats = scaled_repeats(table, depth_multiplier)
        else:
            repeats = _one_per_block("block_repeats", block_repeats, table)
        if not isinstance(endpoint_width, int) or endpoint_width < 1:
            raise ValueError(
                "`endpoint_width` must be a positive int. "
                f"Received: endpoint_width={endpoint_width}"
            )
        if not 0 <= stochastic_depth_rate < 1:
            raise ValueError(
                "`stochastic_depth_rate` must lie in [0, 1). "
                f"Received: stochastic_depth_rate={stochastic_depth_rate}"
            )
        if squeeze_excitation_ratio is not None and squeeze_excitation_ratio <= 0:
            raise ValueError(
                "`squeeze_excitation_ratio` must be positive, or None. "
                f"Received: squeeze_excitation_ratio={squeeze_excitation_ratio}"
            )
        if input_tensor is None:
            inputs = keras.layers.Input(shape=tuple(input_shape), name="images")
        elif keras.backend.is_keras_tensor(input_tensor):
            inputs = input_tensor
        else:
            raise ValueError(
                f"`input_tensor` must be a Keras tensor. Received: {type(input_tensor).__name__}"
            )
        if len(inputs.shape) != 4:
            raise ValueError(
                "`input_shape` must be (height, width, channels). "
                f"Received: input_shape={tuple(inputs.shape[1:])}"
            )
        if include_rescaling and inputs.shape[-1] != 3:
            raise ValueError(
                "Rescaling knows RGB only: pass `include_rescaling=False` for inputs that do not "
                f"have 3 channels. Received: input_shape={tuple(inputs.shape[1:])}"
            )
        x = inputs
        if include_rescaling:
            x = keras.layers.Rescaling(
                scale=[1 / (255 * std) for std in _IMAGENET_STD],
                offset=[-m / s for m, s in zip(_IMAGENET_MEAN, _IMAGENET_STD, strict=True)],
                name="rescaling",
            )(x)
        design = Design(
            squeeze_excitation_ratio=squeeze_excitation_ratio,
            stochastic_depth_rate=stochastic_depth_rate,
            use_space_to_depth=use_space_to_depth,
            weighted_fusion=weighted_fusion,
            operations=Operations(activation, batch_norm_momentum, batch_norm_epsilon),
        )
        tensors = build_scale_permuted(
            inputs, x, table, block_widths, repeats, endpoint_width, design
        )
        endpoints = {level: tensors[f"P{level}"] for level, _ in table.outputs}
        super().__init__(
            inputs=inputs, outputs=average_at_lowest_level(endpoints, inputs), **kwargs
        )

        self.pyramid_level_inputs = {
            "P2": _layer_name(tensors[f"block{eff_spinenet.P2_BLOCK:02d}"]),
            **{f"P{level}": _layer_name(x) for level, x in endpoints.items()},
        }
        # keras-cv's SegFormer names its layers after these, and so wants them to differ.
        self.embedding_dims = tuple(self.pyramid_level_inputs)
        self.width_multiplier = width_multiplier
        self.depth_multiplier = depth_multiplier
        self.block_repeats = block_repeats
        self.betas = betas
        self.widths = widths
        self.block_widths = block_widths
        self.endpoint_width = endpoint_width
        self.use_space_to_depth = use_space_to_depth
        self.weighted_fusion = weighted_fusion
        self.squeeze_excitation_ratio = squeeze_excitation_ratio
        self.activation = activation
        self.stochastic_depth_rate = stochastic_depth_rate
        self.batch_norm_momentum = batch_norm_momentum
        self.batch_norm_epsilon = batch_norm_epsilon
        self.include_rescaling = include_rescaling

    def get_config(self):
        return {
            **super().get_config(),
            "width_multiplier": self.width_multiplier,
            "depth_multiplier": self.depth_multiplier,
            "block_repeats": _plain(self.block_repeats),
            "betas": _plain(self.betas),
            "widths": _plain(self.widths),
            "endpoint_width": self.endpoint_width,
            "use_space_to_depth": self.use_space_to_depth,
            "weighted_fusion": self.weighted_fusion,
            "squeeze_excitation_ratio": self.squeeze_excitation_ratio,
            "activation": self.activation,
            "stochastic_depth_rate": self.stochastic_depth_rate,
            "batch_norm_momentum": self.batch_norm_momentum,
            "batch_norm_epsilon": self.batch_norm_epsilon,
            "include_rescaling": self.include_rescaling,
            "input_shape": list(self.input_shape[1:]),
            **dtype_config(self),
        }

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        with dtype_policy_scope(config.pop("dtype", None)):
            return super().from_config(config)

    def pyramid(self, levels=("P3", "P4", "P5", "P6", "P7")):
        """The backbone with its levels as outputs, on the same layers and weights.

        Args:
            levels: names out of `pyramid_level_inputs`: `"P2"` to `"P7"`.

        Returns:
            `keras.Model` from pictures to a dictionary of maps `(batch, height, width, channels)`;
            that of level `l` has stride `2**l`.

        Raises:
            ValueError: if there is no such level.
        """
        unknown = [level for level in levels if level not in self.pyramid_level_inputs]
        if unknown or not levels:
            raise ValueError(
                f"The levels are {', '.join(self.pyramid_level_inputs)}. Received: levels={levels}"
            )
        outputs = {
            level: self.get_layer(self.pyramid_level_inputs[level]).output for level in levels
        }
        return keras.Model(self.inputs, outputs, name=f"{self.name}_pyramid")

    @classmethod
    def from_preset(cls, preset, load_weights=None, **kwargs):
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


def _one_per_block(name, value, table):
    """Tuple with one positive int a block; a single int stands for all blocks."""
    count = len(table.blocks)
    values = tuple(value) if isinstance(value, (list, tuple)) else (value,) * count
    if len(values) != count or not all(isinstance(v, int) and v >= 1 for v in values):
        raise ValueError(
            f"`{name}` must be a positive int, or {count} of them, one a block. "
            f"Received: {name}={value}"
        )
    return values


def _layer_name(tensor):
    return tensor._keras_history.operation.name


def _plain(value):
    return list(value) if isinstance(value, (list, tuple)) else value
