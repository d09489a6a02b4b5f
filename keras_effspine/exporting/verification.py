"""Whether an exported file does what its model does."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from keras_effspine.data.images.letterbox import letterbox, read_letterboxed
from keras_effspine.data.record import Record, RecordSet
from keras_effspine.errors import ExportError
from keras_effspine.exporting.detection_agreement import Agreement, agreement
from keras_effspine.results.picture import Picture
from keras_effspine.runners.model_file import ModelFile
from keras_effspine.tasks.picture_predictions import PicturePredictions
from keras_effspine.tasks.task import Task

_LARGEST_DIFFERENCE = {"float32": 1e-3, "float16": 0.05}
"""Of raw outputs, as a share of the largest value or of 1; int8 is judged by its measure alone."""

_LARGEST_SHARE_ALONE = 0.1
"""Of detections that the file or the model alone has."""


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A file's outputs beside its model's.

    Args:
        pictures: how many were compared.
        difference: greatest difference.
        largest: greatest magnitude of the model's outputs.
    """

    pictures: int
    difference: float
    largest: float


def compare_outputs(
    file: ModelFile,
    reference: Callable[[np.ndarray], dict[str, Any]],
    pictures: Sequence[np.ndarray],
    are_raw: bool,
) -> Comparison:
    """Compares outputs on pictures, one by one.

    Detections are compared as lists in any order, of which a tenth may be in one list alone: see
    `agreement`. Of int8 alone their measure tells.

    Args:
        file: the exported file.
        reference: what it was exported from, a function of letterboxed images.
        pictures: uint8 `(height, width, 3)` of any size.
        are_raw: whether the outputs are the network's own numbers.

    Raises:
        ExportError: if they differ more than rounding explains, or are not finite.
    """
    size, precision = file.metadata.image_size, file.metadata.precision
    if precision == "float32" and file.metadata.frame_size:
        precision = "float16"  # the graph averages pixels without rounding them to whole numbers
    tolerance = _LARGEST_DIFFERENCE.get(precision, np.inf)
    difference = largest = 0.0
    lists = Agreement(0, 0, 0.0)
    for picture in pictures:
        placed = file.place(Picture.of(picture)).image
        found = file.run(placed[None])
        if file.metadata.frame_size:
            placed = letterbox(placed.astype("uint8"), (size, size)).image
        expected = {k: np.asarray(x) for k, x in reference(placed[None]).items()}
        for name in expected if are_raw else ["confidence"]:
            if not np.isfinite(found[name]).all():
                raise ExportError(f"{file.path.name}: its output '{name}' is not finite.")
            largest = max(largest, float(abs(expected[name]).max()))
            if are_raw:
                difference = max(difference, float(abs(found[name] - expected[name]).max()))
        if not are_raw:
            lists += agreement(found, expected, tolerance, tolerance * size)
    most = tolerance * max(1.0, largest)
    if difference > most:
        raise ExportError(
            f"{file.path.name}: its outputs differ by {difference:.2g} from the model's, of values "
            f"up to {largest:.2g}; at most {most:.2g} would be rounding. It is not kept."
        )
    if np.isfinite(tolerance) and lists.alone > _LARGEST_SHARE_ALONE * lists.of:
        raise ExportError(
            f"{file.path.name}: of {lists.of} detections of it and of the model {lists.alone} have "
            f"no counterpart of their class, score (within {tolerance}) and box (within "
            f"{tolerance * size:.2g} px); at most a tenth would be rounding. It is not kept."
        )
    difference = max(difference, lists.difference)
    return Comparison(len(pictures), difference, largest)


@dataclasses.dataclass(frozen=True)
class Measured:
    """How good a model and its file are on the same pictures.

    Args:
        metric: name of the measure.
        model, file: the measure of each, or None where it cannot be told.
        source: what it was measured on.
        pictures: how many there are.
    """

    metric: str
    model: float | None
    file: float | None
    source: str
    pictures: int


def measure_both(
    task: Task, model: keras.Model, file: ModelFile, records: RecordSet, allowed_loss: float
) -> Measured:
    """Measures a model and its file by the task's first metric.

    Raises:
        ExportError: if the file loses more than is allowed.
    """
    size = file.metadata.image_size

    def read(record: Record) -> Any:
        return read_letterboxed(record, (size, size))

    ways = (
        (lambda images: task.predict(model, images), read),
        (file.predict, lambda record: file.place(Picture.of_record(record, upright=False))),
    )
    found = []
    for predict, reading in ways:
        evaluator = task.evaluator(records)
        for record, output in PicturePredictions(task, predict, reading, records):
            evaluator.add(record, output)
        metrics = evaluator.result().metrics
        found.append(next(iter(metrics.items())))
    (name, before), (_, after) = found
    measured = Measured(name, before, after, records.source, len(records.records))
    if before is not None and (after is None or before - after > allowed_loss):
        raise ExportError(
            f"{file.path.name}: {name} is {_number(after)} through the file and {_number(before)} "
            f"of the model; at most {allowed_loss} may be lost. It is not kept."
        )
    return measured


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
