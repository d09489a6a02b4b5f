"""A backbone of six blocks whose resources betas distribute, with all that widths can change.

Its first block is added to the stem's output where both are as wide; block 5, which nothing reads,
joins block 6, by a convolution where their widths differ; block 3 reads a map three levels above.
"""

import dataclasses

import keras

from keras_effspine.models.scale_permuted_backbone import ScalePermutedBackbone
from keras_effspine.topology.block_table import STEM, Block, BlockTable
from keras_effspine.topology.network_spec import NetworkSpec

SPEC = NetworkSpec(
    table=BlockTable(
        name="beta_ladder",
        blocks=(
            Block(1, (STEM,), "mbconv", 16),
            Block(2, (1,), "mbconv", 16),
            Block(4, (1, 2), "mbconv", 24),
            Block(3, (2, 3), "mbconv", 24),
            Block(4, (3, 4), "mbconv", 24),
            Block(4, (3, 4), "mbconv", 16),
        ),
        outputs=((3, 4), (4, 6)),
    ),
    stem_width=8,
    expansion=2,
    squeeze_excitation_ratio=0.2,
    use_space_to_depth=True,
    weighted_fusion=True,
    endpoint_width=8,
    betas=(4, 4, 4, 4, 4, 4),
)


@keras.saving.register_keras_serializable(package="keras_effspine_tests")
class BetaLadder(ScalePermutedBackbone):
    """Its levels are P3 and P4."""

    spec_arguments = ("betas",)

    def __init__(self, betas=SPEC.betas, **kwargs):
        super().__init__(dataclasses.replace(SPEC, betas=tuple(betas)), **kwargs)
