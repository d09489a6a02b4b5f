"""Instance masks as COCO's compressed run lengths, of which a picture's hundred take kilobytes."""

import numpy as np
import pycocotools.mask

from keras_effspine.data.instance_masks import check_mask


def run_lengths_of(mask: list | dict, width: int, height: int) -> dict:
    """An annotated mask as compressed run lengths, exactly as pycocotools draws it.

    Args:
        mask, width, height: as in `data.instance_masks.check_mask`.

    Returns:
        `{"size": [height, width], "counts": str}`.

    Raises:
        ValueError: the mask does not fit its picture; says what is wrong.
    """
    checked, fault = check_mask(mask, width, height)
    if checked is None:
        raise ValueError(fault)
    if isinstance(checked, list):
        parts = [list(map(float, one)) for one in checked]
        return _as_text(pycocotools.mask.merge(pycocotools.mask.frPyObjects(parts, height, width)))
    if isinstance(checked["counts"], list):
        return _as_text(pycocotools.mask.frPyObjects(checked, height, width))
    return _as_text(checked)


def crop_run_lengths(crop: np.ndarray, left: int, top: int, width: int, height: int) -> dict:
    """Run lengths of a mask that is known from a part of its picture, and empty elsewhere.

    No plane of the picture's size is made.

    Args:
        crop: bool `(rows, columns)`, which lies on the picture as a whole.
        left, top: its first column and row in the picture.
        width, height: of the picture in pixels.

    Returns:
        `{"size": [height, width], "counts": str}`, what pycocotools encodes of the whole plane.
    """
    # Column by column, as COCO counts: where it turns to 1, and where back to 0.
    steps = np.diff(np.pad(crop.T.astype("int8"), ((0, 0), (1, 1))), axis=1)
    starts, ends = (
        (left + column) * height + top + row
        for column, row in (np.nonzero(steps == value) for value in (1, -1))
    )
    # What goes on in the next column's first row is one run.
    goes_on = np.zeros(0, "int64") if len(starts) < 2 else np.flatnonzero(ends[:-1] == starts[1:])
    starts, ends = np.delete(starts, goes_on + 1), np.delete(ends, goes_on)
    edges = np.stack([starts, ends], axis=-1).ravel()
    counts = np.diff(edges, prepend=0, append=width * height)
    if len(counts) > 1 and not counts[-1]:
        counts = counts[:-1]
    size = [height, width]
    return _as_text(
        pycocotools.mask.frPyObjects({"size": size, "counts": counts.tolist()}, height, width)
    )


def decoded(mask: dict) -> np.ndarray:
    """The pixels of compressed run lengths that this module made: bool `(height, width)`."""
    return pycocotools.mask.decode(mask).astype(bool)


def _as_text(mask: dict) -> dict:
    counts = mask["counts"]
    text = counts.decode("ascii") if isinstance(counts, bytes) else counts
    return {"size": [int(side) for side in mask["size"]], "counts": text}
