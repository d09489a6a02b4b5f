"""The pyramid that detectors read, and the sizes of their anchors on it."""

LEVELS = (3, 4, 5, 6, 7)
"""Level `l` has stride `2**l`."""

LEVEL_NAMES = tuple(f"P{level}" for level in LEVELS)

ANCHOR_SIZE_OVER_STRIDE = 3
"""Side of a level's smallest anchor over the level's stride, as in public SpineNet configurations;
so are the other sizes and the ratios."""

ANCHOR_SIZES = tuple(ANCHOR_SIZE_OVER_STRIDE * 2**level for level in LEVELS)
"""Side of the smallest anchor of each level in pixels of the input."""

ANCHOR_SCALES = tuple(2 ** (octave / 3) for octave in range(3))
"""Sides of a level's anchors over the smallest one's."""

ANCHOR_RATIOS = (0.5, 1.0, 2.0)
"""Heights of anchors over their widths."""

SSD_LEVELS = (4, 5, 6, 7, 8, 9)
"""The levels that SSDLite reads."""

SSD_WIDTHS = (512, 256, 256, 128)
"""Channels of those behind the network."""

SSD_ANCHOR_SIZES = (64, 112, 160, 208, 256, 304)
"""Side of the smallest anchor of each of them in pixels: shares of 0.2 to 0.95 of an input of
320 px, as public configurations of SSDLite have them."""

SSD_ANCHOR_SCALES = (1.0, 2**0.5)
"""Sides of a level's anchors over the smallest one's. With the ratios above it is six anchors a
place; the public configurations have other six, and three at the first level."""
