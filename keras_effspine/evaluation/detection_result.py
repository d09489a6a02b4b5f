"""What is measured of detections."""

import dataclasses

from rich.table import Table

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
    """

    name: str
    AP: float | None
    AP50: float | None
    objects: int


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
    """

    stats: dict[str, float | None]
    per_class: tuple[ClassResult, ...]
    images: int
    images_added: int
    objects: int
    crowds: int
    detections: int

    @property
    def metrics(self) -> dict[str, float | None]:
        """The 12 numbers, AP first."""
        return self.stats

    def tables(self) -> list[Table]:
        """The 12 numbers, and the average precision of each class."""
        return [stats_table(self), class_table(self)]

    def as_json(self) -> dict:
        """Returns the result as dicts, lists, numbers and None, which `json.dump` takes."""
        fields = dataclasses.asdict(self)
        return {**fields, "per_class": list(fields["per_class"])}
