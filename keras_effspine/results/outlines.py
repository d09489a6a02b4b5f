"""Masks as outlines that a person can drag: `with_outlines`."""

import dataclasses
import warnings

import numpy as np

from keras_effspine.data.formats.drawn_shapes import box_around, polygon_shape
from keras_effspine.data.record import Record
from keras_effspine.data.run_lengths import decoded
from keras_effspine.extras import needs_extra

_MOST_CORNERS = 40
_SPARED = 0.9
"""Share of the corners of an exact outline, two a pixel or fewer, that is left out."""


def with_outlines(record: Record) -> Record:
    """A record whose masks are polygons, each of the largest part of the mask.

    The outlines have few corners and lie within about a pixel of the masks. Boxes become their
    bounds. Masks of less than a few pixels are left out; their boxes stay.

    Args:
        record: `Record` with masks in compressed run lengths, or None.

    Raises:
        MissingPackageError: if supervision is not installed.
    """
    masks, boxes = [], record.boxes.copy()
    for index, mask in enumerate(record.masks):
        outline = None if mask is None else _outline(decoded(dict(mask)))
        if outline is not None:
            boxes[index] = box_around(outline)
        masks.append(None if outline is None else [outline.reshape(-1).tolist()])
    return dataclasses.replace(record, boxes=boxes, masks=tuple(masks))


def _outline(plane):
    with needs_extra("supervision"), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that OpenCV would be faster
        import supervision
    # A border, so that outlines close; twice the size, so that they lie on the pixels' edges.
    enlarged = np.pad(plane, 1).repeat(2, axis=0).repeat(2, axis=1)
    parts = supervision.mask_to_polygons(enlarged)
    if not parts:
        return None
    largest = max(parts, key=lambda part: polygon_shape(part.astype("float64"))[2] or 0)
    spared = max(_SPARED, 1 - _MOST_CORNERS / len(largest))
    corners = supervision.approximate_polygon(largest, percentage=spared)
    corners = (corners.astype("float64") + 0.5) / 2 - 1
    return np.clip(corners, 0, plane.shape[::-1]) if len(corners) > 2 else None
