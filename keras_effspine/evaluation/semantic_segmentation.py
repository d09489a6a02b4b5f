"""Mean IoU of semantic segmentation, from an exact confusion matrix."""

import dataclasses

import numpy as np
import pycocotools.mask
from rich.table import Table
from rich.text import Text

from keras_effspine.data.checks import LARGEST_FAILED_SHARE, NAMED_EXAMPLES
from keras_effspine.data.record import Record, RecordSet
from keras_effspine.data.semantic_map import SemanticMap
from keras_effspine.errors import DataError
from keras_effspine.topology.labels import IGNORED


class SegmentationEvaluator:
    """Counts every labelled pixel of a data set by its class and the one that is predicted.

    An output is a label map: uint8 `(height, width)`, class indices in the picture's own pixels.
    Pixels without a label are not counted; those of a picture that
    was not added count as missed. A picture whose label map cannot be read is left out and named.

    Args:
        record_set: `RecordSet`.
    """

    def __init__(self, record_set: RecordSet):
        self._record_set = record_set
        count = len(record_set.class_names)
        # The last column is of pixels for which nothing was predicted.
        self._matrix = np.zeros((count, count + 1), "int64")
        self._predictions: dict[int | str, list[tuple[int, dict]]] = {}
        self._unreadable: list[str] = []

    def add(self, record: Record, output: np.ndarray) -> None:
        """Takes the prediction for one picture.

        Args:
            record: its `Record`; one without a label map is kept, and not counted.
            output: its label map.

        Raises:
            DataError: if more than a tenth of the label maps cannot be read.
        """
        self._predictions[record.image_id] = [
            (int(index), _run_lengths(output == index)) for index in np.unique(output)
        ]
        if record.semantic_map is not None:
            self._count(record, record.semantic_map, output)

    def _count(self, record: Record, truth_map: SemanticMap, classes: np.ndarray) -> None:
        try:
            truth = truth_map.read(record)
        except DataError as error:
            self._unreadable.append(str(error))
            if len(self._unreadable) > LARGEST_FAILED_SHARE * len(self._record_set.records):
                raise DataError(
                    f"{len(self._unreadable)} label maps of {self._record_set.source} cannot be "
                    f"used: {' '.join(self._unreadable[:NAMED_EXAMPLES])}"
                ) from error
            return
        known = truth != IGNORED
        pairs = truth[known].astype("int64") * self._matrix.shape[1] + classes[known]
        self._matrix += np.bincount(pairs, minlength=self._matrix.size).reshape(self._matrix.shape)

    def predictions(self) -> list[dict]:
        """The predictions in COCO's results format for stuff: a run-length mask for each class.

        Returns:
            List of dictionaries with `"image_id"`, `"category_id"`, `"category_name"` and
            `"segmentation"`, in the pixels of the picture.
        """
        ids, names = self._record_set.category_ids, self._record_set.class_names
        return [
            {
                "image_id": image_id,
                "category_id": ids[index],
                "category_name": names[index],
                "segmentation": mask,
            }
            for image_id, parts in self._predictions.items()
            for index, mask in parts
        ]

    def result(self) -> "SegmentationResult":
        """Measures all that was added.

        Returns:
            `SegmentationResult`.
        """
        nothing = len(self._record_set.class_names)
        missed = [r for r in self._record_set.records if r.image_id not in self._predictions]
        for record in missed:
            if record.semantic_map is not None:
                self._predictions[record.image_id] = []
                unseen = np.full((record.height, record.width), nothing, "uint8")
                self._count(record, record.semantic_map, unseen)
        return SegmentationResult(
            self._record_set.class_names, self._matrix.copy(), tuple(self._unreadable)
        )


@dataclasses.dataclass(frozen=True, eq=False)
class SegmentationResult:
    """What came of a measurement.

    Args:
        class_names: tuple of `C` names.
        matrix: int64 `(C, C + 1)`, pixels by annotated and by predicted class; the last column is
            of those for which nothing was predicted.
        unreadable: tuple of messages, one for each label map that was left out.
    """

    class_names: tuple[str, ...]
    matrix: np.ndarray
    unreadable: tuple[str, ...] = ()

    @property
    def per_class(self) -> list[dict]:
        """List of dictionaries: name, pixels labelled, predicted and right, and IoU.

        Predicted pixels without a label are not counted. The IoU of a class that is neither
        annotated nor predicted anywhere is None.
        """
        labelled, right = self.matrix.sum(axis=1), np.diagonal(self.matrix)
        predicted = self.matrix[:, :-1].sum(axis=0)
        union = labelled + predicted - right
        return [
            {
                "name": name,
                "labelled": int(labelled[i]),
                "predicted": int(predicted[i]),
                "right": int(right[i]),
                "IoU": int(right[i]) / int(union[i]) if union[i] else None,
            }
            for i, name in enumerate(self.class_names)
        ]

    @property
    def metrics(self) -> dict[str, float | None]:
        """`"mIoU"`, the mean over the classes that have an IoU, and `"pixel_accuracy"`."""
        values = [one["IoU"] for one in self.per_class if one["IoU"] is not None]
        total = int(self.matrix.sum())
        right = int(np.diagonal(self.matrix).sum())
        return {
            "mIoU": sum(values) / len(values) if values else None,
            "pixel_accuracy": right / total if total else None,
        }

    def tables(self) -> list[Table]:
        """List of `rich.table.Table`s: the measures, and the IoU of each class."""
        left_out = sum(one["IoU"] is None for one in self.per_class)
        caption = f"{int(self.matrix.sum()):,} labelled pixels"
        if left_out:
            caption += f"; {left_out} classes that are nowhere annotated or predicted left out"
        if self.unreadable:
            caption += f"; {len(self.unreadable)} label maps left out: {self.unreadable[0]}"
        whole = Table("", "value", title="Segmentation", caption=Text(caption))
        for name, value in self.metrics.items():
            whole.add_row(name, "-" if value is None else f"{value:.4f}")
        classes = Table("class", "pixels", "IoU", title="Segmentation by class")
        for one in self.per_class:
            if one["IoU"] is not None:
                classes.add_row(Text(one["name"]), f"{one['labelled']:,}", f"{one['IoU']:.3f}")
        return [whole, classes]

    def as_json(self) -> dict:
        """Dictionary that JSON can hold."""
        return {
            **self.metrics,
            "per_class": self.per_class,
            "label_maps_left_out": list(self.unreadable),
        }


def _run_lengths(mask: np.ndarray) -> dict:
    encoded = pycocotools.mask.encode(np.asfortranarray(mask, dtype="uint8"))
    return {"size": encoded["size"], "counts": encoded["counts"].decode("ascii")}
