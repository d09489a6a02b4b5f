"""From what a detector predicts on its canvas to the picture's own pixels."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np


class PictureBoxes(NamedTuple):
    """The objects of one picture, best first.

    Args:
        boxes: float64 `(n, 4)`, xyxy: left, top, right, bottom in pixels of the picture, in it.
        classes: int64 `(n,)`, class indices from 0.
        scores: float64 `(n,)`.
        whole: float `(n, 4)`, the boxes as they were predicted, which may reach out of the picture.
    """

    boxes: np.ndarray
    classes: np.ndarray
    scores: np.ndarray
    whole: np.ndarray


def boxes_in_picture(
    predictions: Mapping[str, np.ndarray], row: int, scale: np.ndarray, width: int, height: int
) -> PictureBoxes:
    """The objects of one picture of a batch.

    Args:
        predictions: dictionary of `"boxes"` `(batch, n, 4)`, xyxy in pixels of the canvas,
            `"confidence"` and `"classes"` `(batch, n)`, and `"num_detections"` `(batch,)`.
        row: the picture's place in the batch.
        scale: float `(2,)`, pixels of the canvas over pixels of the picture along y, x.
        width, height: of the picture in pixels.
    """
    count = int(predictions["num_detections"][row])
    factors = np.tile(scale[::-1], 2)
    limit = np.array([width, height] * 2, "float64")
    found = predictions["boxes"][row, :count]
    return PictureBoxes(
        boxes=np.clip(found.astype("float64") / factors, 0.0, limit),
        classes=predictions["classes"][row, :count].astype("int64"),
        scores=predictions["confidence"][row, :count].astype("float64"),
        whole=found / factors,
    )
