"""Whether two lists of detections are the same but for rounding."""

import dataclasses
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class Agreement:
    """Detections of two programs, side by side.

    Args:
        alone: how many have no counterpart in the other list, of both lists.
        of: how many there are in both.
        difference: greatest difference of a score from that of its counterpart.
    """

    alone: int
    of: int
    difference: float

    def __add__(self, other: "Agreement") -> "Agreement":
        return Agreement(
            self.alone + other.alone, self.of + other.of, max(self.difference, other.difference)
        )


def agreement(
    found: dict[str, Any], expected: dict[str, Any], score_tolerance: float, box_tolerance: float
) -> Agreement:
    """Compares the detections of one picture, in whatever order.

    A counterpart has the same class, nearly the same score and nearly the same box. Suppression
    asks whether an overlap is above a threshold: rounding flips what lies on it, so that a box may
    be there in one list alone, and a longer list of proposals brings more of them.

    Args:
        found, expected: `"boxes"` `(1, n, 4)`, `"confidence"` and `"classes"` `(1, n)`,
            `"num_detections"` `(1,)`.
        score_tolerance: greatest difference of counterparts' scores.
        box_tolerance: greatest difference of each side of their boxes, in pixels.
    """
    (boxes, scores, classes), (boxes2, scores2, classes2) = _rows(found), _rows(expected)
    apart = abs(scores[:, None] - scores2[None])
    near = (classes[:, None] == classes2[None]) & (apart <= score_tolerance)
    near &= abs(boxes[:, None] - boxes2[None]).max(axis=-1, initial=0.0) <= box_tolerance
    alone = int((~near.any(axis=1)).sum() + (~near.any(axis=0)).sum())
    nearest = np.where(near, apart, np.inf).min(axis=1, initial=np.inf)
    difference = float(nearest[np.isfinite(nearest)].max(initial=0.0))
    return Agreement(alone, len(scores) + len(scores2), difference)


def _rows(detections):
    count = int(np.asarray(detections["num_detections"])[0])
    return [
        np.asarray(detections[name])[0, :count].astype("float64")
        for name in ("boxes", "confidence", "classes")
    ]
