"""Any scale-permuted network as a keras-cv backbone."""

import dataclasses
import re
from collections.abc import Sequence

import keras

from keras_effspine.models.layer_roles import LayerRole
from keras_effspine.models.pyramid_backbone import (
    PyramidBackbone,
    image_input,
    normalized,
    require_normalization,
    require_share,
)
from keras_effspine.networks.operations import Operations
from keras_effspine.networks.scale_permuted import average_at_lowest_level, build_scale_permuted
from keras_effspine.topology.block_table import BlockTable
from keras_effspine.topology.network_spec import NetworkSpec

# The names that the builder gives; see `networks.scale_permuted`.
_STEM = re.compile(r"rescaling$|stem_")
_ENDPOINT = re.compile(r"p(\d+)_")
_OF_BLOCK = re.compile(r"block(\d+)_(from|fusion|unit)")
_PARTS = {"from": "resampling", "fusion": "fusion", "unit": "blocks"}


class ScalePermutedBackbone(PyramidBackbone):
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
        normalization: str = "batch_norm",
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
        require_share("stochastic_depth_rate", stochastic_depth_rate)
        require_normalization(normalization)
        inputs = image_input(input_shape, input_tensor, include_rescaling)
        x = normalized(inputs) if include_rescaling else inputs
        built = dataclasses.replace(spec, stem_width=stem_width)
        plain = Operations(
            activation,
            batch_norm_momentum,
            batch_norm_epsilon,
            spec.symmetric_padding,
            normalization,
        )
        tensors = build_scale_permuted(
            inputs,
            x,
            built,
            block_widths,
            repeats,
            self._operations(plain, inputs, built, block_widths),
            stochastic_depth_rate,
        )
        endpoints = {level: tensors[f"P{level}"] for level, _ in spec.table.outputs}
        super().__init__(
            inputs=inputs, outputs=average_at_lowest_level(endpoints, inputs), **kwargs
        )

        levels = {f"P{level}": x for level, x in endpoints.items()}
        if spec.p2_block is not None:
            levels = {"P2": tensors[f"block{spec.p2_block:02d}"], **levels}
        self.name_levels(levels)
        self.spec = spec
        self.block_widths = block_widths
        arguments = {
            "width_multiplier": width_multiplier,
            "depth_multiplier": depth_multiplier,
            "block_repeats": block_repeats,
            "widths": widths,
            **{name: getattr(spec, name) for name in self.spec_arguments},
            "activation": activation,
            "stochastic_depth_rate": stochastic_depth_rate,
            "normalization": normalization,
            "batch_norm_momentum": batch_norm_momentum,
            "batch_norm_epsilon": batch_norm_epsilon,
            "include_rescaling": include_rescaling,
        }
        self.keep_arguments(arguments)

    def _operations(
        self,
        plain: Operations,
        images: keras.KerasTensor,
        spec: NetworkSpec,
        widths: tuple[int, ...],
    ) -> Operations:
        """What the graph is made of."""
        return plain

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
