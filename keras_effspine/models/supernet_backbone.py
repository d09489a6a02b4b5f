"""All distributions of a network's resources in one network, as slices of the same weights."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_effspine.models.dtype_policies import dtype_config
from keras_effspine.models.scale_permuted_backbone import ScalePermutedBackbone
from keras_effspine.networks.operations import Operations
from keras_effspine.networks.sliced_operations import SELECTED, SlicedOperations
from keras_effspine.topology.network_spec import NetworkSpec


@keras.saving.register_keras_serializable(package="keras_effspine")
class SupernetBackbone(ScalePermutedBackbone):
    """A backbone that holds the weights of every network whose betas are from a set.

    Each of these networks is a slice (BigNAS, arXiv:2003.11142): the first channels of each layer.
    The backbone computes one of them at a time, the one that `select` names, with the same numbers
    as the network alone; `models.slicing.slice_weights` cuts it out.

    It is as wide in each block as any of the networks; all of it is wider than every one of them.

    Args:
        architecture: `ScalePermutedBackbone` of MBConv blocks, or what Keras serialises it to; its
            weights are not used.
        betas: the set of positive numbers that each block's beta is from.
        batch_norm_momentum: float, momentum of the moving statistics. With 0 they are those of the
            last batch: statistics of one network mean nothing to another.
        **kwargs: `name`, `trainable`, and `input_tensor` as in `ScalePermutedBackbone`.

    Attributes:
        block_widths: the most channels of each block.
        least_widths: the least.

    Raises:
        ValueError: if the blocks are of another kind, or the set makes no network.
    """

    def __init__(
        self,
        architecture: ScalePermutedBackbone | dict[str, Any],
        betas: Sequence[float],
        batch_norm_momentum: float = 0.0,
        **kwargs: Any,
    ) -> None:
        if isinstance(architecture, dict):
            architecture = keras.saving.deserialize_keras_object(architecture)
        assert isinstance(architecture, ScalePermutedBackbone)
        spec, multiplier = architecture.spec, architecture.width_multiplier
        kinds = sorted({block.kind for block in spec.table.blocks} - {"mbconv"})
        if kinds or spec.resample_alpha is not None:
            raise ValueError(
                "Weights are shared by networks of MBConv blocks that resample as Eff-SpineNet "
                f"does. Received: table '{spec.table.name}' with blocks of the kinds "
                f"{sorted({block.kind for block in spec.table.blocks})}"
            )
        if architecture.normalization != "batch_norm":
            raise ValueError(
                "Networks that share weights have batch normalisation, whose statistics are each "
                f"one's own. Received: normalization={architecture.normalization!r}"
            )
        least, most = spec.extreme_widths(betas, multiplier)
        spec = dataclasses.replace(
            spec, betas=None, stem_width=spec.stem_width_at(multiplier), scaled_stem=False
        )
        super().__init__(
            spec,
            widths=most,
            depth_multiplier=architecture.depth_multiplier,
            block_repeats=architecture.block_repeats,
            activation=architecture.activation,
            stochastic_depth_rate=architecture.stochastic_depth_rate,
            batch_norm_momentum=batch_norm_momentum,
            batch_norm_epsilon=architecture.batch_norm_epsilon,
            include_rescaling=architecture.include_rescaling,
            input_shape=architecture.input_shape[1:],
            **kwargs,
        )
        self.architecture = keras.saving.serialize_keras_object(architecture)
        self.betas = tuple(betas)
        self.least_widths = least

    def _operations(
        self,
        plain: Operations,
        images: keras.KerasTensor,
        spec: NetworkSpec,
        widths: tuple[int, ...],
    ) -> Operations:
        return SlicedOperations(
            **dataclasses.asdict(plain), spec=spec, widths=widths, images=images
        )

    @property
    def selected(self) -> keras.Variable:
        """int32 `(blocks,)`: the channels of each block that are computed with."""
        return self.get_layer(SELECTED).selected

    def select(self, widths: Sequence[int]) -> None:
        """Makes the backbone compute another network, without a new trace.

        Args:
            widths: channels of each block, at least 1 and at most `block_widths`.

        Raises:
            ValueError: if they are no widths of a slice.
        """
        given = np.asarray(widths)
        if (
            given.shape != self.selected.shape
            or not ((given >= 1) & (given <= self.block_widths)).all()
        ):
            raise ValueError(
                f"`widths` must be {len(self.block_widths)} ints from 1 to the backbone's "
                f"{self.block_widths}. Received: widths={widths}"
            )
        self.selected.assign(given.astype("int32"))

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "trainable": self.trainable,
            "architecture": self.architecture,
            "betas": list(self.betas),
            "batch_norm_momentum": self.batch_norm_momentum,
            **dtype_config(self),
        }
