"""Measuring what predicts on data."""

import dataclasses
import os
from collections.abc import Callable
from typing import Any

from keras_effspine.data.checks import describe_problems
from keras_effspine.data.class_alignment import align_classes
from keras_effspine.data.loading import describe_records, load_measured_records
from keras_effspine.data.record import RecordSet
from keras_effspine.errors import DataError
from keras_effspine.rich_parts import RichParts
from keras_effspine.workflow.predictor import Predictor


@dataclasses.dataclass(frozen=True, repr=False, eq=False)
class Evaluation(RichParts):
    """What was measured, shown as tables.

    Args:
        result: what the task's evaluator made of it; see `Task.evaluator`.
        source: the data that it was measured on.
        failed: list of lines, one for each picture that could not be decoded and so counts as one
            without predictions.
    """

    result: Any
    source: str
    failed: list[str]

    @property
    def metrics(self) -> dict[str, float | None]:
        """Numbers by name, the most telling one first; None where there is nothing to measure."""
        return self.result.metrics

    def parts(self) -> list[Any]:
        lost = "could not be decoded, counted as a picture without predictions"
        return [*(f"{lost}: {line}" for line in self.failed), *self.result.tables()]

    def as_json(self) -> dict:
        """All numbers, as a dictionary that JSON can hold."""
        return {"source": self.source, "result": self.result.as_json()}


def evaluate(
    predictor: Predictor,
    data: str | os.PathLike | None = None,
    images: str | os.PathLike | None = None,
    split: str | None = None,
    batch_size: int | None = None,
    flip: bool = False,
    report: Callable[[str], None] = print,
) -> Evaluation:
    """Measures what predicts on data, by default on the validation data of its run.

    Args:
        predictor: `Predictor`.
        data, images, split: as in `data.loading.load_measured_records`.
        batch_size: pictures predicted at a time; None takes the model's own.
        flip: whether each picture is looked at mirrored, too; see `Task.fuse_mirrored`.
        report: function that is given each line of text for the user.

    Raises:
        DataError: if the data cannot be used, have classes that the model does not know, or none
            are named and it has none of its own.
    """
    records = measured_records(predictor, data, images, split, report)
    records = align_classes(records, predictor.class_names)
    evaluator = predictor.task.evaluator(records)
    predictions, images_read = predictor.predictions(records, batch_size, flip=flip)
    for record, output in predictions:
        evaluator.add(record, output)
    return Evaluation(evaluator.result(), records.source, images_read.describe())


def measured_records(
    predictor: Predictor,
    data: str | os.PathLike | None,
    images: str | os.PathLike | None,
    split: str | None,
    report: Callable[[str], None],
) -> RecordSet:
    """The pictures that `evaluate` measures on, with the classes of the data."""
    if data is not None:
        records = load_measured_records(data, images, split, predictor.task.labels)
        for line in (describe_records(records), *describe_problems(records)):
            report(line)
        return records
    if predictor.run is None:
        raise DataError(
            f"{predictor.name}: {predictor.kind} has no data of its own; name some with --data."
        )
    from keras_effspine.training.run_data import load_data, load_validation_data
    from keras_effspine.training.run_folder import RunFolder

    recipe = RunFolder.open(predictor.run).recipe
    return load_validation_data(recipe, report) or load_data(recipe, report)[0]
