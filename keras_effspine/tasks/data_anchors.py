"""Anchors that fit the boxes of a data set."""

from typing import Annotated

import numpy as np
import pydantic

from keras_effspine.data.record import RecordSet
from keras_effspine.data.record_columns import object_arrays
from keras_effspine.topology.pyramid import (
    ANCHOR_RATIOS,
    ANCHOR_SCALES,
    ANCHOR_SIZE_OVER_STRIDE,
    LEVELS,
)
from keras_effspine.validation import VALUE

_TRIED_SIZES = np.geomspace(1.0, 2.0 * ANCHOR_SIZE_OVER_STRIDE, 25)


class Anchors(pydantic.BaseModel):
    """Shapes of anchors, alike on all levels but for their size.

    Args:
        size: side of a level's smallest square anchor over the level's stride.
        ratios: widths of anchors over their heights, at equal area, as keras-cv has them.
    """

    model_config = VALUE

    size: pydantic.PositiveFloat = ANCHOR_SIZE_OVER_STRIDE
    ratios: Annotated[tuple[pydantic.PositiveFloat, ...], pydantic.Field(min_length=1)] = (
        ANCHOR_RATIOS
    )


def fit_anchors(record_set: RecordSet, image_size: int) -> tuple[Anchors, float, float]:
    """Anchors that overlap a data set's boxes most.

    The ratios are the medians of the thirds of all boxes, from the tallest to the widest, or the
    published ones; the size is searched. Both are as many as published, so that heads stay as they
    are.

    Args:
        record_set: `RecordSet` with boxes.
        image_size: height and width of the input, which pictures are scaled to fit.

    Returns:
        Triple of the `Anchors`, and the mean IoU of a box with its best anchor, at the mean
        distance of their centers: with these anchors, and with the published ones.
    """
    lengths, boxes, _, is_crowd = object_arrays(record_set.records)
    longest = np.array([max(record.width, record.height) for record in record_set.records])
    sizes = np.asarray(boxes)[:, 2:] * (image_size / np.repeat(longest, lengths))[:, None]
    sizes = sizes[~np.asarray(is_crowd) & (sizes > 0).all(axis=1)]
    thirds = np.array_split(np.sort(np.log(sizes[:, 0] / sizes[:, 1])), len(ANCHOR_RATIOS))
    own = tuple(round(float(np.exp(np.median(third))), 3) for third in thirds if len(third))
    candidates = [Anchors()]
    if len(own) == len(ANCHOR_RATIOS):
        candidates += [Anchors(size=round(float(s), 2), ratios=own) for s in _TRIED_SIZES]
    candidates += [Anchors(size=round(float(s), 2)) for s in _TRIED_SIZES]
    overlaps = [_mean_overlap(sizes, anchors) for anchors in candidates]
    best = int(np.argmax(overlaps))
    return candidates[best], overlaps[best], overlaps[0]


def _mean_overlap(sizes, anchors):
    """Mean over boxes `(n, 2)`, width and height, of the IoU with the best anchor of any level.

    A box's center is as far from the next anchor's as it is on average, a quarter of the level's
    stride along each axis: else anchors as small as their stride would seem to fit.
    """
    roots = np.sqrt(anchors.ratios)
    table = [
        (2**level * anchors.size * scale * root, 2**level * anchors.size * scale / root, 2**level)
        for level in LEVELS
        for scale in ANCHOR_SCALES
        for root in roots
    ]
    shapes, strides = np.array(table)[:, :2], np.array(table)[:, 2:]
    common = (sizes[:, None] + shapes) / 2 - strides / 4
    common = np.clip(common, 0, np.minimum(sizes[:, None], shapes)).prod(axis=-1)
    union = sizes.prod(axis=-1)[:, None] + shapes.prod(axis=-1) - common
    return float((common / union).max(axis=1).mean())
