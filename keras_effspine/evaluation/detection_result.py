"""What is measured of detections."""

import dataclasses

from rich.table import Table

from keras_effspine.evaluation.class_curves import ClassCurve
from keras_effspine.evaluation.matches import Matches
from keras_effspine.evaluation.report import class_table, stats_table

# The order of `COCOeval.stats`.
STAT_NAMES = (
    *("AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large"),
    *("AR1", "AR10", "AR100", "AR_small", "AR_medium", "AR_large"),
)


@dataclasses.dataclass(frozen=True)
class ClassResult:
    """What was measured for one class.

    Args:
        name: class name.
        AP: average precision over IoU 0.50 to 0.95, 0 to 1; None where the class has no objects.
        AP50: average precision at IoU 0.50, 0 to 1; None where the class has no objects.
        objects: number of annotated objects, crowds left out.
        AP_small, AP_medium, AP_large: AP of the objects of up to 32 x 32 pixels, up to 96 x 96, and
            beyond; None where the class has none.
        F1: the greatest harmonic mean of precision and recall at IoU 0.50 that detections above
            some score reach; None where none of them is right.
        score: that score.
    """

    name: str
    AP: float | None
    AP50: float | None
    objects: int
    AP_small: float | None = None
    AP_medium: float | None = None
    AP_large: float | None = None
    F1: float | None = None
    score: float | None = None


@dataclasses.dataclass(frozen=True)
class DetectionResult:
    """COCO's 12 numbers, and how they came about.

    Args:
        stats: dict of the names in `STAT_NAMES` to numbers from 0 to 1, or None where the data set
            has no object to measure (pycocotools reports -1 there).
        per_class: tuple of one `ClassResult` a class, in the order of the class indices.
        images: number of pictures in the data set, all of which count.
        images_added: number of pictures for which detections were given, empty ones included; the
            others count as pictures without detections.
        objects: number of annotated objects, crowds left out.
        crowds: number of annotations that cover a group of objects.
        detections: number of detections given.
        curves: tuple of one `ClassCurve` a class, at IoU 0.50.
        matches: which detection has found which object at IoU 0.50; classes are indices.
    """

    stats: dict[str, float | None]
    per_class: tuple[ClassResult, ...]
    images: int
    images_added: int
    objects: int
    crowds: int
    detections: int
    curves: tuple[ClassCurve, ...] = dataclasses.field(default=(), compare=False, repr=False)
    matches: Matches | None = dataclasses.field(default=None, compare=False, repr=False)

    @property
    def score_thresholds(self) -> dict[str, float]:
        """The best score of each class that has one, by name."""
        return {one.name: one.score for one in self.per_class if one.score is not None}

    @property
    def metrics(self) -> dict[str, float | None]:
        """The 12 numbers, AP first."""
        return self.stats

    def tables(self) -> list[Table]:
        """The 12 numbers, and the average precision of each class."""
        return [stats_table(self), class_table(self)]

    def as_json(self) -> dict:
        """Returns the result as dicts, lists, numbers and None, which `json.dump` takes.

        The curves and the matches are left out.
        """
        measured = dataclasses.replace(self, curves=(), matches=None)
        fields = dataclasses.asdict(measured)
        del fields["curves"], fields["matches"]
        return {**fields, "per_class": list(fields["per_class"])}
