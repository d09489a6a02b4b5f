"""Masks in COCO's notation, held against their picture before anything is made of them.

pycocotools takes sizes and coordinates on trust, and a mask that lies about them ends the process.
"""

import math
from collections.abc import Sequence

import numpy as np
import pycocotools.mask

MOST_OUTLINE = 2**21
"""Points and pixels that the outlines of one mask may have: some 200 MiB while it is drawn."""

_OVERHANG = 1
"""By how many times its own size a polygon may reach out of its picture, on each side."""


def check_mask(mask: object, width: int, height: int) -> tuple[list | dict | None, str | None]:
    """Holds a mask against its picture.

    Args:
        mask: what an annotation file has for a mask: a list of polygons `[x0, y0, x1, y1, ...]` in
            pixels, one such polygon alone, or a run-length dictionary
            `{"size": [height, width], "counts": list, str or bytes}`.
        width, height: of the picture in pixels.

    Returns:
        Pair of the mask, a list of polygons or a dictionary as it is, and None; or of None and
        what is wrong with the mask, in words.
    """
    if isinstance(mask, dict):
        fault = _run_length_fault(mask, width, height)
        return (None, fault) if fault else (mask, None)
    if isinstance(mask, list) and mask:
        polygons = [mask] if isinstance(mask[0], (int, float)) else mask
        fault = _polygons_fault(polygons, width, height)
        return (None, fault) if fault else (polygons, None)
    return None, "mask is neither polygons nor run lengths"


def draw_mask(mask: list | dict, width: int, height: int) -> np.ndarray:
    """The pixels of a mask.

    Args:
        mask, width, height: as in `check_mask`.

    Returns:
        bool `(height, width)`.

    Raises:
        ValueError: the mask does not fit its picture; says what is wrong.
    """
    checked, fault = check_mask(mask, width, height)
    if checked is None:
        raise ValueError(fault)
    if isinstance(checked, dict):
        counts = _counts(checked["counts"])
        assert counts is not None
        runs = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
        return runs.reshape(width, height).T
    drawn = pycocotools.mask.frPyObjects([list(map(float, one)) for one in checked], height, width)
    return pycocotools.mask.decode(pycocotools.mask.merge(drawn)) > 0


def _polygons_fault(polygons: Sequence, width: int, height: int) -> str | None:
    outline = 0
    for polygon in polygons:
        if not isinstance(polygon, (list, np.ndarray)):
            return "mask holds a polygon that is no list"
        if len(polygon) < 6 or len(polygon) % 2:
            return "mask holds a polygon of fewer than three points, or half a point"
        try:
            # In this order: with NaN the least and the largest number mean nothing.
            if not math.isfinite(sum(polygon)):
                return "mask holds a coordinate that is not finite"
            lowest, highest = min(polygon), max(polygon)
            if lowest < 0 or highest > min(width, height):
                points = np.asarray(polygon, "float64").reshape(-1, 2)
                share = points / (width, height)
                if share.min() < -_OVERHANG or share.max() > 1 + _OVERHANG:
                    return "mask reaches far out of its image"
        except (TypeError, ValueError, OverflowError):
            return "mask holds a coordinate that is no number"
        outline += len(polygon) // 2 * (1 + 2 * _OVERHANG) * max(width, height)
    if outline > MOST_OUTLINE and sum(map(_outline, polygons)) > MOST_OUTLINE:
        return f"mask has an outline of more than {MOST_OUTLINE} pixels"
    return None


def _outline(polygon: Sequence) -> float:
    """Points of a polygon, and pixels along its sides, for which pycocotools takes memory."""
    points = np.asarray(polygon, "float64").reshape(-1, 2)
    return len(points) + float(np.abs(points - np.roll(points, 1, 0)).max(1).sum())


def _run_length_fault(mask: dict, width: int, height: int) -> str | None:
    size = mask.get("size")
    if not isinstance(size, (list, tuple)) or list(size) != [height, width]:
        return "mask has not the size of its image"
    counts = _counts(mask.get("counts"))
    if counts is None:
        return "mask has counts that are no run lengths"
    # Added up as Python's numbers: a sum of NumPy's could come round to the area.
    if len(counts) and (counts.min() < 0 or counts.max() > width * height):
        return "mask has counts that do not fill its image"
    if int(counts.sum(dtype="float64")) != width * height:
        return "mask has counts that do not fill its image"
    return None


def _counts(counts: object) -> np.ndarray | None:
    """Run lengths as int64 `(runs,)`, or None where they are none."""
    if isinstance(counts, list):
        try:
            array = np.array(counts)
        except (ValueError, OverflowError):
            return None
        return array.astype("int64") if array.ndim == 1 and array.dtype.kind in "iu" else None
    if isinstance(counts, str):
        counts = counts.encode("utf-8", "replace")
    return _decompressed(counts) if isinstance(counts, bytes) and counts else None


def _decompressed(text: bytes) -> np.ndarray | None:
    """COCO's compressed run lengths: five bits a character, and each but the first three is the
    difference from the one before the last (`rleFrString` of pycocotools)."""
    bits = np.frombuffer(text, "uint8").astype("int64") - 48
    if bits.min() < 0 or bits.max() > 63 or bits[-1] & 32:
        return None
    ends = np.flatnonzero(bits & 32 == 0)
    starts = np.append(0, ends[:-1] + 1)
    places = np.arange(len(bits)) - np.repeat(starts, ends - starts + 1)
    if places.max() > 6:  # more than 35 bits
        return None
    values = np.add.reduceat((bits & 31) << 5 * places, starts)
    negative = bits[ends] & 16 > 0
    values -= np.where(negative, 1 << 5 * (ends - starts + 1), 0)
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    return values
