"""Which of several boxes at one place is drawn."""

import numpy as np
import pycocotools.mask

SAME_PLACE = 0.7
"""Intersection over union from which two boxes are at one place."""


def best_of_each_place(boxes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Boxes that lie on no better one, of whatever class.

    A detector suppresses within a class alone, so that evaluation sees each guess: what is a
    square with 0.49, a hexagon with 0.40 and a disc with 0.37 would be drawn three times.

    Args:
        boxes: float `(n, 4)`, `xywh`.
        scores: float `(n,)`.

    Returns:
        int64 `(kept,)`, indices in the order of the boxes.
    """
    if not len(boxes):  # pycocotools takes no empty array
        return np.zeros(0, "int64")
    kept: list[int] = []
    overlaps = pycocotools.mask.iou(boxes, boxes, [0] * len(boxes))
    for index in np.argsort(-scores, kind="stable").tolist():
        if not kept or overlaps[index, kept].max() < SAME_PLACE:
            kept.append(index)
    return np.sort(np.array(kept, "int64"))
