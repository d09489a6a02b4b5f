"""Precision, recall and F1 of one class, from the surest detection to the least sure."""

import dataclasses

import numpy as np

from keras_effspine.evaluation.matches import Matches

_RECALLS = np.linspace(0.0, 1.0, 101)


@dataclasses.dataclass(frozen=True, eq=False)
class ClassCurve:
    """What is right among the detections of a class that reach a score, for every score.

    Args:
        scores: float `(n,)`, falling.
        is_right: bool `(n,)`, whether the detection has found an object.
        objects: number of objects that there are to find.
    """

    scores: np.ndarray
    is_right: np.ndarray
    objects: int

    @property
    def precision(self) -> np.ndarray:
        """Float `(n,)`, the right share of the detections up to each."""
        return np.cumsum(self.is_right) / np.arange(1, len(self.is_right) + 1)

    @property
    def recall(self) -> np.ndarray:
        """Float `(n,)`, the share of the objects that the detections up to each have found."""
        return np.cumsum(self.is_right) / max(self.objects, 1)

    @property
    def f1(self) -> np.ndarray:
        """Float `(n,)`, the harmonic mean of the two."""
        counts = np.arange(1, len(self.is_right) + 1)
        return 2 * np.cumsum(self.is_right) / (counts + self.objects)

    @property
    def best(self) -> tuple[float, float] | None:
        """The greatest F1, and the score from which detections reach it.

        None where nothing is right. Detections of equal score come together or not at all. The
        score lies midway between the last detection taken and the next, so that a sum in another
        order, as on another processor, does not push the last one out.
        """
        if not self.is_right.any():
            return None
        f1, last = self.f1, np.append(self.scores[1:] < self.scores[:-1], True)
        place = int(np.argmax(np.where(last, f1, -1.0)))
        following = np.append(self.scores, 0.0)[place + 1]
        return float(f1[place]), float((self.scores[place] + following) / 2)

    def precision_at_recalls(self) -> np.ndarray:
        """COCO's precision at the recalls 0, 0.01, ..., 1, float `(101,)`.

        The greatest precision at this recall or beyond; 0 beyond the last recall.
        """
        # As pycocotools computes it: next to nothing is added, so that no zero divides.
        right = np.cumsum(self.is_right).astype("float64")
        wrong = np.cumsum(~self.is_right).astype("float64")
        precision = right / (right + wrong + np.spacing(1))
        envelope = np.maximum.accumulate(precision[::-1])[::-1]
        places = np.searchsorted(right / max(self.objects, 1), _RECALLS, side="left")
        return np.append(envelope, 0.0)[places]

    @property
    def average_precision(self) -> float | None:
        """COCO's average precision at this overlap; None where there is no object to find."""
        return float(self.precision_at_recalls().mean()) if self.objects else None


def class_curves(matches: Matches, num_classes: int) -> tuple[ClassCurve, ...]:
    """The `ClassCurve` of each class, of its detections that count."""
    order = matches.order[matches.is_counted[matches.order]]
    classes, is_right = matches.classes[order], matches.is_right[order]
    objects = np.bincount(matches.object_classes[~matches.is_crowd], minlength=num_classes)
    return tuple(
        ClassCurve(matches.scores[order][classes == index], is_right[classes == index], int(count))
        for index, count in enumerate(objects)
    )
