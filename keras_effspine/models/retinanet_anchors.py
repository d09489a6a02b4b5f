"""Anchors of RetinaNet's and SSDLite's predictions."""

from collections.abc import Sequence

import keras_cv

from keras_effspine.topology.pyramid import (
    ANCHOR_RATIOS,
    ANCHOR_SCALES,
    LEVEL_NAMES,
    LEVELS,
    SSD_ANCHOR_SCALES,
    SSD_ANCHOR_SIZES,
    SSD_LEVELS,
)

LEVELS_READ = {
    "retinanet": LEVEL_NAMES,
    "ssdlite": tuple(f"P{level}" for level in SSD_LEVELS),
}
"""The levels that each kind of predictor reads."""


def retinanet_anchor_generator(
    bounding_box_format: str, size_over_stride: float, aspect_ratios: Sequence[float]
) -> keras_cv.layers.AnchorGenerator:
    """Anchors of P3 to P7; see `RetinaNet.default_anchor_generator`."""
    sizes = [size_over_stride * 2**level for level in LEVELS]
    return _anchor_generator(bounding_box_format, LEVELS, sizes, ANCHOR_SCALES, aspect_ratios)


def ssd_anchor_generator(bounding_box_format: str) -> keras_cv.layers.AnchorGenerator:
    """Anchors of P4 to P9, not clipped, in a keras-cv format."""
    return _anchor_generator(
        bounding_box_format, SSD_LEVELS, SSD_ANCHOR_SIZES, SSD_ANCHOR_SCALES, ANCHOR_RATIOS
    )


def _anchor_generator(bounding_box_format, levels, sizes, scales, aspect_ratios):
    return keras_cv.layers.AnchorGenerator(
        bounding_box_format=bounding_box_format,
        sizes=[float(size) for size in sizes],
        scales=list(scales),
        aspect_ratios=list(aspect_ratios),
        strides=[2**level for level in levels],
        clip_boxes=False,
        dtype="float32",
    )


def anchors_per_location(
    anchor_generator: keras_cv.layers.AnchorGenerator, levels: Sequence[str]
) -> int:
    """Number of anchors that each place of each level has.

    Raises:
        ValueError: if the generator has other levels, or not as many anchors on each.
    """
    counts = {
        len(single.scales) * len(single.aspect_ratios)
        for single in anchor_generator.anchor_generators.values()
    }
    if len(anchor_generator.anchor_generators) != len(levels) or len(counts) != 1:
        raise ValueError(
            f"The anchor generator must have {len(levels)} levels, {levels[0]} to {levels[-1]}, "
            "with equally many anchors a location. "
            f"Received: {len(anchor_generator.anchor_generators)} levels with "
            f"{sorted(counts)} anchors a location"
        )
    return counts.pop()
