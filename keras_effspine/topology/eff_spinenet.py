"""Table 1 of the Eff-SpineNet paper (arXiv:2010.11426) and the distribution behind its widths.

The connections are those of the public SpineNet-MBConv code; the paper's own figure of them is the
one of SpineNet-49. The widths are the column SP-EfficientNet-B0 of Table 1; the column
Eff-SpineNet-D0 follows from the betas (see `widths.py`).
"""

from keras_effspine.topology.block_table import STEM, Block, BlockTable
from keras_effspine.topology.network_spec import NetworkSpec
from keras_effspine.topology.widths import distribution_scale

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

CLASSIFIER = {"endpoint_width": 256, "use_space_to_depth": False}
"""What the paper's classifiers have of their own (4.2); the published counts of Table 10 are those
without space-to-depth, of which the text says nothing."""
