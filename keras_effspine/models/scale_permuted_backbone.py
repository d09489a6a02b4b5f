"""Any scale-permuted network as a keras-cv backbone."""

import dataclasses
import re
from collections.abc import Sequence

import keras
from keras_cv.models import Backbone

from keras_effspine.models.dtype_policies import dtype_config, dtype_policy_scope
from keras_effspine.models.layer_roles import LayerRole
from keras_effspine.networks.operations import Operations
from keras_effspine.networks.scale_permuted import average_at_lowest_level, build_scale_permuted
from keras_effspine.pretrained.preset_saving import PresetSaving
from keras_effspine.topology.block_table import BlockTable
from keras_effspine.topology.network_spec import NetworkSpec
from keras_effspine.topology.pyramid import LEVEL_NAMES

_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)

# The names that the builder gives; see `networks.scale_permuted`.
_STEM = re.compile(r"rescaling$|stem_")
_ENDPOINT = re.compile(r"p(\d+)_")
_OF_BLOCK = re.compile(r"block(\d+)_(from|fusion|unit)")
_PARTS = {"from": "resampling", "fusion": "fusion", "unit": "blocks"}


class ScalePermutedBackbone(PresetSaving, Backbone):
    """The backbone that a `NetworkSpec` describes.

    The single output is the average of the endpoints, nearest-upsampled to the lowest of their
    levels. `pyramid_level_inputs` names the layers of the endpoints, and of P2 where the
    specification names a block for it. Inputs are RGB in [0, 255], of any height and width.

    A family of networks is a short class over this one: it has a specification, and names in
    `spec_arguments` those of its fields that are arguments of the family's constructor.

    Args:
        spec: `NetworkSpec`.
        width_multiplier: float, multiplies all widths before they are rounded.
        depth_multiplier: float, at least 1: number of blocks of a level over those of the table.
        block_repeats: int, or one int for each block: the exact repeats; `depth_multiplier` is then
            unused.
        widths: one int a block: the exact widths; `width_multiplier` and the specification's betas
            are then unused.
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
        ValueError: if an argument does not fit the table, or is out of range.
    """

    spec_arguments: tuple[str, ...] = ()

    def __init__(
        self,
        spec: NetworkSpec,
        *,
        width_multiplier: float = 1.0,
        depth_multiplier: float = 1.0,
        block_repeats: int | Sequence[int] | None = None,
        widths: int | Sequence[int] | None = None,
        activation: str = "swish",
        stochastic_depth_rate: float = 0.0,
        batch_norm_momentum: float = 0.99,
        batch_norm_epsilon: float = 1e-3,
        include_rescaling: bool = True,
        input_shape: tuple[int | None, ...] = (None, None, 3),
        input_tensor: keras.KerasTensor | None = None,
        **kwargs,
    ) -> None:
        if widths is None:
            block_widths = spec.widths(width_multiplier)
            stem_width = spec.stem_width_at(width_multiplier)
        else:
            block_widths = _one_per_block("widths", widths, spec.table)
            stem_width = spec.stem_width
        if block_repeats is None:
            repeats = spec.repeats(depth_multiplier)
        else:
            repeats = _one_per_block("block_repeats", block_repeats, spec.table)
        if not 0 <= stochastic_depth_rate < 1:
            raise ValueError(
                "`stochastic_depth_rate` must lie in [0, 1). "
                f"Received: stochastic_depth_rate={stochastic_depth_rate}"
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
        operations = Operations(
            activation, batch_norm_momentum, batch_norm_epsilon, spec.symmetric_padding
        )
        tensors = build_scale_permuted(
            inputs,
            x,
            dataclasses.replace(spec, stem_width=stem_width),
            block_widths,
            repeats,
            operations,
            stochastic_depth_rate,
        )
        endpoints = {level: tensors[f"P{level}"] for level, _ in spec.table.outputs}
        super().__init__(
            inputs=inputs, outputs=average_at_lowest_level(endpoints, inputs), **kwargs
        )

        levels = {f"P{level}": _layer_name(x) for level, x in endpoints.items()}
        if spec.p2_block is not None:
            levels = {"P2": _layer_name(tensors[f"block{spec.p2_block:02d}"]), **levels}
        self.pyramid_level_inputs = levels
        # keras-cv's SegFormer names its layers after these, and so wants them to differ.
        self.embedding_dims = tuple(levels)
        self.spec = spec
        for name in self.spec_arguments:
            setattr(self, name, getattr(spec, name))
        self.width_multiplier = width_multiplier
        self.depth_multiplier = depth_multiplier
        self.block_repeats = block_repeats
        self.widths = widths
        self.block_widths = block_widths
        self.activation = activation
        self.stochastic_depth_rate = stochastic_depth_rate
        self.batch_norm_momentum = batch_norm_momentum
        self.batch_norm_epsilon = batch_norm_epsilon
        self.include_rescaling = include_rescaling

    def layer_roles(self) -> dict[str, LayerRole]:
        """The role of each layer by name, but for the average, which is a head's."""
        roles = {}
        for layer in self.layers:
            if match := _OF_BLOCK.match(layer.name):
                number = int(match[1])
                level = self.spec.table.level_of(number)
                roles[layer.name] = LayerRole(_PARTS[match[2]], number, level)
            elif match := _ENDPOINT.match(layer.name):
                roles[layer.name] = LayerRole("endpoints", level=int(match[1]))
            elif _STEM.match(layer.name):
                roles[layer.name] = LayerRole("stem")
        return roles

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "width_multiplier": self.width_multiplier,
            "depth_multiplier": self.depth_multiplier,
            "block_repeats": _plain(self.block_repeats),
            "widths": _plain(self.widths),
            **{name: _plain(getattr(self, name)) for name in self.spec_arguments},
            "activation": self.activation,
            "stochastic_depth_rate": self.stochastic_depth_rate,
            "batch_norm_momentum": self.batch_norm_momentum,
            "batch_norm_epsilon": self.batch_norm_epsilon,
            "include_rescaling": self.include_rescaling,
            "input_shape": list(self.input_shape[1:]),
            **dtype_config(self),
        }

    @classmethod
    def from_config(cls, config: dict) -> "ScalePermutedBackbone":
        config = dict(config)
        with dtype_policy_scope(config.pop("dtype", None)):
            return super().from_config(config)

    def pyramid(self, levels: Sequence[str] = LEVEL_NAMES) -> keras.Model:
        """The backbone with its levels as outputs, on the same layers and weights.

        Args:
            levels: names out of `pyramid_level_inputs`, such as `"P2"` to `"P7"`.

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


def _one_per_block(name: str, value: int | Sequence[int], table: BlockTable) -> tuple[int, ...]:
    """Tuple with one positive int a block; a single int stands for all blocks."""
    count = len(table.blocks)
    values: tuple = tuple(value) if isinstance(value, (list, tuple)) else (value,) * count
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
