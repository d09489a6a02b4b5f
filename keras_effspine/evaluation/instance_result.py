"""What is measured of instance masks."""

import dataclasses

from rich.table import Table

from keras_effspine.evaluation.detection_result import DetectionResult
from keras_effspine.evaluation.report import class_table, stats_table


@dataclasses.dataclass(frozen=True)
class InstanceResult:
    """COCO's 12 numbers of masks, and those of the boxes that go with them.

    Args:
        masks, boxes: `DetectionResult`s of the same detections.
        unknown_masks: number of annotated objects that were not measured by their masks, since
            these are missing or not usable.
        images_cut: number of pictures for which the model gave as many objects as it gives at most.
    """

    masks: DetectionResult
    boxes: DetectionResult
    unknown_masks: int = 0
    images_cut: int = 0

    @property
    def metrics(self) -> dict[str, float | None]:
        """The 12 numbers of masks, `"mask_AP"` first, and then those of boxes."""
        return {
            **{f"mask_{name}": value for name, value in self.masks.stats.items()},
            **{f"box_{name}": value for name, value in self.boxes.stats.items()},
        }

    @property
    def score_thresholds(self) -> dict[str, float]:
        """The best score of each class, by its masks."""
        return self.masks.score_thresholds

    def tables(self) -> list[Table]:
        """The 12 numbers of each, and the average precision of each class."""
        tables = [stats_table(self.masks, "Masks"), stats_table(self.boxes, "Boxes")]
        if self.unknown_masks:
            tables[
                0
            ].caption = (
                f"{tables[0].caption}; {self.unknown_masks} objects without a mask are left out"
            )
        if self.images_cut:
            tables[1].caption = (
                f"{tables[1].caption}; on {self.images_cut} pictures the model gave as many "
                "objects as it may: with a larger max_detections there could be more"
            )
        return [*tables, class_table(self.masks, "Masks")]

    def as_json(self) -> dict:
        """Dictionary that JSON can hold."""
        return {
            **self.metrics,
            "masks": self.masks.as_json(),
            "boxes": self.boxes.as_json(),
            "objects_without_a_mask": self.unknown_masks,
            "pictures_with_the_most_detections": self.images_cut,
        }
