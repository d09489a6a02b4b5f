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
