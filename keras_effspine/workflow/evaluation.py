"""Measuring what predicts on data."""

import dataclasses
import os
import pathlib
from collections.abc import Callable
from typing import Any

from keras_effspine.data.checks import describe_problems
from keras_effspine.data.class_alignment import align_classes
from keras_effspine.data.loading import describe_records, load_measured_records
from keras_effspine.data.record import RecordSet
from keras_effspine.data.tiles import Tiles
from keras_effspine.errors import DataError, RunFolderError
from keras_effspine.rich_parts import RichParts
from keras_effspine.tasks.closer_look import CloserLook
from keras_effspine.workflow.data_set import DataSet
from keras_effspine.workflow.predictor import Predictor, tiles_for


@dataclasses.dataclass(frozen=True, repr=False, eq=False)
class Evaluation(RichParts):
    """What was measured, shown as tables.

    Args:
        name: what was measured.
        look: `CloserLook`, with all outputs.
        data: the data that it was measured on, in a line.
        source: the same, as they were named.
        failed: list of lines, one for each picture that could not be decoded and so counts as one
            without predictions.
    """

    name: str
    look: CloserLook
    data: str
    source: str
    failed: list[str]

    @property
    def result(self) -> Any:
        """What the task's evaluator made of it; see `Task.evaluator`."""
        return self.look.result()

    @property
    def metrics(self) -> dict[str, float | None]:
        """Numbers by name, the most telling one first; None where there is nothing to measure."""
        return self.result.metrics

    def parts(self) -> list[Any]:
        return [*self._lost(), *self.result.tables()]

    def _lost(self) -> list[str]:
        lost = "could not be decoded, counted as a picture without predictions"
        return [f"{lost}: {line}" for line in self.failed]

    def write(self, folder: str | os.PathLike) -> pathlib.Path:
        """Writes a closer look into a folder: see `CloserLook.write`.

        Args:
            folder: path of the folder, made if it does not exist.

        Returns:
            Path of the page.

        Raises:
            DataError: if matplotlib is not installed, or the folder is a file.
            RunFolderError: if a file cannot be written.
        """
        return self.look.write(folder, self.name, [self.data, *self._lost()])

    def as_json(self) -> dict:
        """All numbers, as a dictionary that JSON can hold."""
        return {"source": self.source, "result": self.result.as_json()}


def evaluate(
    predictor: Predictor,
    data: DataSet | str | os.PathLike | None = None,
    images: str | os.PathLike | None = None,
    split: str | None = None,
    batch_size: int | None = None,
    flip: bool = False,
    tiles: Tiles | int | str | None = None,
    report: Callable[[str], None] = print,
) -> Evaluation:
    """Measures what predicts on data, by default on the validation data of its run.

    The best score thresholds of a run on its own validation data are kept with it, where it has
    none yet.

    Args:
        predictor: `Predictor`.
        data: a `DataSet`, whose pictures for validation are taken, or its only ones; or with
            `images` and `split` as in `data.loading.load_measured_records`.
        batch_size: pictures predicted at a time; None takes the model's own.
        flip: whether each picture is looked at mirrored, too; see `Task.fuse_mirrored`.
        tiles: in which large pictures are looked at; see `predictor.tiles_for`.
        report: function that is given each line of text for the user.

    Raises:
        DataError: if the data cannot be used, have classes that the model does not know, or none
            are named and it has none of its own.
    """
    seen_in = tiles_for(predictor, tiles)
    records = measured_records(predictor, data, images, split, report)
    records = align_classes(records, predictor.class_names)
    look = CloserLook(predictor.task, records)
    if seen_in is not None:
        report(f"Pictures are looked at {seen_in.describe()}.")
    predictions, images_read = predictor.predictions(records, batch_size, flip=flip, tiles=seen_in)
    for record, output in predictions:
        look.add(record, output)
    as_trained = data is None and not flip and seen_in == predictor.tiles
    if as_trained and not predictor.score_thresholds:
        _keep_thresholds(predictor, getattr(look.result(), "score_thresholds", {}), report)
    return Evaluation(
        predictor.name, look, describe_records(records), records.source, images_read.describe()
    )


def _keep_thresholds(
    predictor: Predictor, scores: dict[str, float], report: Callable[[str], None]
) -> None:
    from keras_effspine.training.run_folder import RunFolder

    if predictor.run is None or not scores:
        return
    try:
        RunFolder.open(predictor.run).keep_thresholds(
            scores, ["last" if predictor.is_last else "best"]
        )
    except RunFolderError as error:  # a run of somebody else's
        report(f"The score thresholds are not kept with the run. {error}")
    else:
        report("The score thresholds are kept with the run: predict draws with them.")


def measured_records(
    predictor: Predictor,
    data: DataSet | str | os.PathLike | None,
    images: str | os.PathLike | None,
    split: str | None,
    report: Callable[[str], None],
) -> RecordSet:
    """The pictures that `evaluate` measures on, with the classes of the data."""
    if isinstance(data, DataSet):
        data = data.for_task(predictor.task_name, report)
        return data.val or data.train
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
