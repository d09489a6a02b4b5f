"""Accuracy of classification: top-1 and top-5."""

import dataclasses

import numpy as np
from rich.table import Table
from rich.text import Text

from keras_effspine.data.record import Record, RecordSet
from keras_effspine.data.record_columns import image_labels
from keras_effspine.errors import DataError

_TOP = 5


@dataclasses.dataclass(frozen=True, eq=False)
class Classes:
    """Classification's output for one picture.

    Args:
        classes: int `(n,)`, class indices: those that are predicted, the most probable first, or
            the one that is annotated, if any.
        scores: float `(n,)`, probabilities; None for annotations.
    """

    classes: np.ndarray
    scores: np.ndarray | None = None


class ClassificationEvaluator:
    """Counts how often the class of a picture is predicted first, or among the first five.

    A picture without a prediction counts as a mistake; one without a class is not counted.

    Args:
        record_set: `RecordSet`.
    """

    def __init__(self, record_set: RecordSet):
        self._source = record_set.source
        self._class_names = record_set.class_names
        labels = image_labels(record_set.records)
        self._images = np.bincount(labels[labels >= 0], minlength=len(self._class_names))
        self._hits = {top: np.zeros(len(self._class_names), int) for top in (1, _TOP)}
        self._found: list[dict] = []

    def add(self, record: Record, output: Classes) -> None:
        """Takes the prediction for one picture."""
        assert output.scores is not None
        for top, hits in self._hits.items():
            if record.image_label is not None:
                hits[record.image_label] += record.image_label in output.classes[:top]
        self._found.append(
            {
                "image_id": record.image_id,
                "classes": [self._class_names[index] for index in output.classes],
                "scores": [round(float(score), 5) for score in output.scores],
            }
        )

    def predictions(self) -> list[dict]:
        """List of `{"image_id", "classes", "scores"}`: names, the most probable one first."""
        return self._found

    def result(self) -> "ClassificationResult":
        """The `ClassificationResult` of what was added.

        Raises:
            DataError: if no picture of the record set has a class.
        """
        if not self._images.sum():
            raise DataError(f"{self._source}: no picture has a class to be measured against.")
        return ClassificationResult(
            class_names=self._class_names,
            images=self._images,
            hits=self._hits[1],
            # Among five classes or fewer every answer is among the first five.
            hits_of_five=self._hits[_TOP] if len(self._class_names) > _TOP else None,
        )


@dataclasses.dataclass(frozen=True, eq=False)
class ClassificationResult:
    """Accuracies.

    Args:
        class_names: tuple of `C` names.
        images: int `(C,)`, pictures of each class.
        hits: int `(C,)`, those whose class was predicted first.
        hits_of_five: the same for the first five; None where there are five classes or fewer.
    """

    class_names: tuple[str, ...]
    images: np.ndarray
    hits: np.ndarray
    hits_of_five: np.ndarray | None

    @property
    def metrics(self) -> dict[str, float | None]:
        """`"top1"` and `"top5"`, shares of all pictures; None where it says nothing."""
        total = int(self.images.sum())
        return {
            "top1": int(self.hits.sum()) / total,
            "top5": None if self.hits_of_five is None else int(self.hits_of_five.sum()) / total,
        }

    def tables(self) -> list[Table]:
        """List of `rich.table.Table`s: the accuracies, and the accuracy of each class."""
        whole = Table("", "accuracy", title=f"Classification of {self.images.sum():,} pictures")
        for name, value in self.metrics.items():
            whole.add_row(name, "-" if value is None else f"{value:.4f}")
        classes = Table("class", "pictures", "top1", title="Classification by class")
        for name, count, hits in zip(self.class_names, self.images, self.hits, strict=True):
            classes.add_row(Text(name), f"{count:,}", f"{hits / count:.3f}" if count else "-")
        return [whole, classes]

    def as_json(self) -> dict:
        """Dictionary that JSON can hold."""
        per_class = zip(self.class_names, self.images.tolist(), self.hits.tolist(), strict=True)
        return {
            **self.metrics,
            "pictures": int(self.images.sum()),
            "per_class": [
                {"name": name, "pictures": count, "top1": hits / count if count else None}
                for name, count, hits in per_class
            ],
        }
