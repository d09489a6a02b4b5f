"""A measurement, and what people ask of it next."""

from __future__ import annotations

import os
import pathlib
import pickle
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

from rich.table import Table

from keras_effspine.analysis.finding import Finding, Grade
from keras_effspine.analysis.saving import save_findings
from keras_effspine.data.record import Record, RecordSet
from keras_effspine.evaluation.score_thresholds import scores_by_class
from keras_effspine.tasks.showcase import truth_and_prediction
from keras_effspine.tasks.task import Task

_DRAWN, _NAMED, _MOST_ROWS = 8, 50, 16


class CloserLook:
    """Measures outputs as the task's evaluator does, and keeps them to be looked at.

    ```python
    look = CloserLook(task, records)
    for record, output in predict_records(task, model, records, image_size):
        look.add(record, output)
    look.result()       # what the evaluator says
    look.findings()     # list of `Finding`: confusion matrix, curves, errors, worst pictures
    look.write("look")  # all of it as PNG, JSON and one page of HTML
    ```

    Args:
        task: `Task`.
        record_set: the `RecordSet` to measure against.
    """

    def __init__(self, task: Task, record_set: RecordSet) -> None:
        self._task = task
        self._record_set = record_set
        self._evaluator = task.evaluator(record_set)
        self._kept = _Kept()
        self._result: Any = None
        self._findings: list[Finding] | None = None

    def add(self, record: Record, output: Any) -> None:
        """Takes the task's output for one picture."""
        self._result = self._findings = None
        self._evaluator.add(record, output)
        self._kept.add(record, output)

    def result(self) -> Any:
        """What the evaluator says of all that was added."""
        if self._result is None:
            self._result = self._evaluator.result()
        return self._result

    def shown(self, output: Any) -> Any:
        """What of an output is drawn: what reaches the best score of its class, best guesses."""
        thresholds = getattr(self.result(), "score_thresholds", {})
        scores = scores_by_class(thresholds, self._record_set.class_names)
        return self._task.best_guesses(self._task.reaching(output, scores))

    def findings(self) -> list[Finding]:
        """What the task finds worth a look, and its worst pictures."""
        if self._findings is None:
            found = self._task.look_closer(self.result(), self._record_set, self._kept, self.shown)
            worst = self._worst()
            self._findings = found if worst is None else [*found, worst]
        return self._findings

    def tables(self) -> list[Table]:
        """The tables of all findings that are short enough to be read on a terminal."""
        tables = [table for finding in self.findings() for table in finding.tables]
        return [table for table in tables if table.row_count <= _MOST_ROWS]

    def write(
        self, folder: str | os.PathLike, title: str = "A closer look", facts: Iterable[str] = ()
    ) -> pathlib.Path:
        """Writes the measurement and all findings into a folder.

        Args:
            folder: path of the folder, made if it does not exist.
            title: heading of the page.
            facts: sentences on what was measured.

        Returns:
            Path of the page, `report.html`; beside it lie `report.json` and a PNG file a finding.

        Raises:
            DataError: if matplotlib is not installed, or the folder is a file.
            RunFolderError: if a file cannot be written.
        """
        source = self._record_set.source
        return save_findings(folder, title, facts, self.result(), self.findings(), source)

    def _worst(self) -> Finding | None:
        names = self._record_set.class_names
        graded: list[tuple[Grade, int]] = []
        for place, (record, output) in enumerate(self._kept):
            grade = self._task.grade(record, self.shown(output), names)
            if grade is not None:
                graded.append((grade, place))
        graded.sort(key=lambda one: (one[0].value, one[1]))
        if not graded:
            return None
        drawn = [(grade, *self._kept[place]) for grade, place in graded[:_DRAWN]]
        image = truth_and_prediction(
            self._task,
            [(record, self.shown(output)) for _, record, output in drawn],
            names,
            min_score=0.0,
            words=[grade.words for grade, *_ in drawn],
        )
        return Finding(
            name="worst",
            title="The worst pictures",
            text="Annotated beside predicted, the worst first.",
            values=[
                {
                    "image_id": self._kept[place][0].image_id,
                    "file": str(self._kept[place][0].path),
                    "grade": grade.value,
                    "what": grade.words,
                }
                for grade, place in graded[:_NAMED]
            ],
            image=image,
        )


class _Kept:
    """Pairs of record and output; compressed, since the label maps of a data set are gigabytes."""

    def __init__(self) -> None:
        self._pairs: list[tuple[Record, bytes]] = []

    def add(self, record: Record, output: Any) -> None:
        self._pairs.append((record, zlib.compress(pickle.dumps(output), 1)))

    def __getitem__(self, place: int) -> tuple[Record, Any]:
        record, packed = self._pairs[place]
        return record, pickle.loads(zlib.decompress(packed))

    def __iter__(self) -> Iterator[tuple[Record, Any]]:
        return (self[place] for place in range(len(self._pairs)))
