"""Table 1 of the Eff-SpineNet paper (arXiv:2010.11426) and the distribution behind its widths.

The connections are those of the public SpineNet-MBConv code; the paper's own figure of them is the
one of SpineNet-49. The widths are the column SP-EfficientNet-B0 of Table 1; the column
Eff-SpineNet-D0 follows from `BETAS` (see `widths.py`).
"""

from keras_effspine.topology.block_table import STEM, Block, BlockTable

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

TABLE = BlockTable(
    name="eff_spinenet",
    blocks=tuple(Block(level, parents, "mbconv", width) for level, parents, width, _ in _ROWS),
    outputs=((3, 15), (4, 14), (5, 16), (6, 18), (7, 17)),
)

P2_BLOCK = 4
"""The block that serves as P2 where a task asks for stride 4: the last one at level 2."""

BETAS = tuple(beta for *_, beta in _ROWS)
"""The learned distribution, recovered from Table 1: with equation 4 it gives all D0 widths."""

DISTRIBUTION_SCALE = 5 / 64
"""`F_t / sum(beta_k F_k)` as used for the published widths. A fit: equation 4 itself gives 0.0780,
0.13 % less, and the same D0 widths; only with 5/64 do the scaled models' counts agree too."""

STEM_WIDTH = 8
"""Channels of the stem convolution, the same for every model. A fit to the published counts; the
public SpineNet-MBConv code has 8 too."""

EXPANSION = 6
"""Expansion ratio `r` of every MBConv block (equation 2)."""

SQUEEZE_EXCITATION_RATIO = 0.2
"""Reduced width of squeeze-and-excitation over the block's input width. A fit; public code: 0.2."""

CLASSIFIER = {"endpoint_width": 256, "use_space_to_depth": False}
"""What the paper's classifiers have of their own (4.2); the published counts of Table 10 are those
without space-to-depth, of which the text says nothing."""

FUSION_EPSILON = 0.001
"""The constant in the denominator of equation 1."""
