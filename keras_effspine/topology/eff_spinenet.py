"""Table 1 of the Eff-SpineNet paper (arXiv:2010.11426) and the distribution behind its widths.

The connections are those of the public SpineNet-MBConv code; the paper's own figure of them is the
one of SpineNet-49. The widths are the column SP-EfficientNet-B0 of Table 1; the column
Eff-SpineNet-D0 follows from the betas (see `widths.py`).

An early form of the authors' own code is public: `spinenetv2.py` in `models/official/detection` of
tensorflow/tpu at commit 1021ed8 (2020-04-03), replaced by SpineNet-MBConv three days later. Its
widths after the stem are those of D0, and it confirms the repeats of D1 and D2, the endpoints'
widths, the stem of 8 channels, the ratio of squeeze-and-excitation, and the parents of the 15
blocks that fuse. It differs from the paper, and from what is built here by default, in this:

- block 3 is a plain MBConv after block 2, where it fuses blocks 1 and 2 here;
- batch normalisation and activation follow space-to-depth;
- behind it, one depthwise convolution goes down all further levels, 3x3 for one and 5x5 for more,
  where each level has its own 3x3 here;
- the reduced width of squeeze-and-excitation is cut (`int`), where it is rounded here;
- widths are multiples of the rounded ones of D0, guarded against losing more than 10 %, and the
  stem's with them, where the unrounded ones are multiplied here, and the stem stays;
- blocks are summed up, where the paper has weights (equation 1);
- strided convolutions pad both sides alike, as all of that code.

All of it is the variant `2020_04`, for weights of that code. With its rules at most 23 of the 32
published counts come out, with those here 24; so the default stays. That code also has two larger
models, D3 and D4, without a published AP; their input sizes here (896 and 1024 px) are ours.
"""

import dataclasses

from keras_effspine.topology.block_table import STEM, Block, BlockTable
from keras_effspine.topology.network_spec import NetworkSpec
from keras_effspine.topology.widths import distribution_scale, round_width_guarded

# level, parents, width of SP-EfficientNet-B0, beta of Eff-SpineNet
_ROWS = (
    (1, (STEM,), 16, 10),
    (2, (1,), 24, 10),
    (2, (1, 2), 24, 5),
    (2, (2, 3), 24, 5),
    (4, (2, 3), 96, 15),
    (3, (4, 5), 40, 20),
    (4, (4, 6), 96, 20),
    (6, (5, 7), 152, 1),
    (4, (5, 7), 96, 20),
    (5, (8, 9), 152, 15),
    (7, (8, 10), 152, 5),
    (5, (10, 11), 152, 20),
    (5, (10, 12), 152, 10),
    (4, (7, 12), 96, 15),
    (3, (6, 12), 40, 15),
    (5, (9, 14), 152, 10),
    (7, (7, 16), 152, 10),
    (6, (14, 16), 152, 1),
)

_TABLE = BlockTable(
    name="eff_spinenet",
    blocks=tuple(Block(level, parents, "mbconv", width) for level, parents, width, _ in _ROWS),
    outputs=((3, 15), (4, 14), (5, 16), (6, 18), (7, 17)),
)

# Recovered from Table 1: with equation 4 they give all D0 widths.
_BETAS = tuple(beta for *_, beta in _ROWS)

SPEC = NetworkSpec(
    table=_TABLE,
    # A fit to the published counts, the same for every model; public SpineNet-MBConv code: 8.
    stem_width=8,
    expansion=6,
    # A fit; public code: 0.2.
    squeeze_excitation_ratio=0.2,
    use_space_to_depth=True,
    weighted_fusion=True,
    fusion_epsilon=0.001,
    endpoint_width=64,
    p2_block=4,
    betas=_BETAS,
    # A fit: `target * scale` is 5/64 for the published betas, 0.13 % more than equation 4 itself,
    # which gives the same D0 widths; only so do the scaled models' counts agree too.
    target=5 / 64 / distribution_scale(_TABLE, _BETAS),
    # EfficientNet does not have them, and Table 2 never repeats their blocks. With this fit its D1
    # and D2 follow from any depth multiplier above 1.25 and up to 4/3.
    unscaled_levels=(6, 7),
)
"""Eff-SpineNet-D0; the other models are its widths and repeats scaled (Table 2)."""

_TABLE_2020_04 = BlockTable(
    name="eff_spinenet_2020_04",
    blocks=tuple(
        Block(block.level, (2,) if number == 3 else block.parents, block.kind, width)
        for number, (block, width) in enumerate(
            zip(_TABLE.blocks, SPEC.widths(), strict=True), start=1
        )
    ),
    outputs=_TABLE.outputs,
)

VARIANTS = {
    "2020_04": dataclasses.replace(
        SPEC,
        table=_TABLE_2020_04,
        betas=None,
        target=1.0,
        rounded=round_width_guarded,
        scaled_stem=True,
        squeeze_excitation_rounded=int,
        weighted_fusion=False,
        normalized_space_to_depth=True,
        one_step_down=True,
        symmetric_padding=True,
    )
}
"""The early form of the authors' code, see above."""

CLASSIFIER = {"endpoint_width": 256, "use_space_to_depth": False}
"""What the paper's classifiers have of their own (4.2); the published counts of Table 10 are those
without space-to-depth, of which the text says nothing."""
