"""A scale-permuted backbone with all that Eff-SpineNet has in a third of its blocks.

To build, save and trace it takes as much less.
"""

import dataclasses

import keras

from keras_effspine.models.scale_permuted_backbone import ScalePermutedBackbone
from keras_effspine.topology.block_table import STEM, Block, BlockTable
from keras_effspine.topology.network_spec import NetworkSpec

SPEC = NetworkSpec(
    table=BlockTable(
        name="ladder",
        blocks=(
            Block(2, (STEM,), "mbconv", 8),
            Block(5, (STEM, 1), "mbconv", 8),
            Block(3, (1, 2), "mbconv", 8),
            Block(4, (2, 3), "mbconv", 8),
            Block(6, (2, 4), "mbconv", 8),
            Block(7, (2, 5), "mbconv", 8),
        ),
        outputs=((3, 3), (4, 4), (5, 2), (6, 5), (7, 6)),
    ),
    stem_width=8,
    squeeze_excitation_ratio=0.2,
    use_space_to_depth=True,
    weighted_fusion=True,
    endpoint_width=8,
)


@keras.saving.register_keras_serializable(package="keras_effspine_tests")
class Ladder(ScalePermutedBackbone):
    """Its levels are P3 to P7."""

    spec_arguments = ("endpoint_width", "use_space_to_depth", "squeeze_excitation_ratio")

    def __init__(
        self,
        *,
        endpoint_width=8,
        use_space_to_depth=True,
        squeeze_excitation_ratio=0.2,
        **kwargs,
    ):
        spec = dataclasses.replace(
            SPEC,
            endpoint_width=endpoint_width,
            use_space_to_depth=use_space_to_depth,
            squeeze_excitation_ratio=squeeze_excitation_ratio,
        )
        super().__init__(spec, **kwargs)
