"""A look through data before any training."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from keras_effspine.data.checks import check_share
from keras_effspine.data.loading import describe_records
from keras_effspine.data.record import RecordSet
from keras_effspine.inspection.image_check import check_images
from keras_effspine.inspection.record_inspection import overlap
from keras_effspine.inspection.tables import issue_table
from keras_effspine.rich_parts import RichParts
from keras_effspine.tasks.task import Task

LEVELS_SIZE = 384
"""The input of `m1`, which the recipe `fine_tune` starts from."""


@dataclasses.dataclass(frozen=True, repr=False, eq=False)
class DataCheck(RichParts):
    """What a look through data has found, shown as tables.

    Args:
        inspections: list of what `Task.inspect` found, one for each part of the data.
        has_errors: whether training would lose a picture or an annotation, or would be measured on
            pictures that it trains on.
        lines: what is shown.
    """

    inspections: list[Any]
    has_errors: bool
    lines: list[Any]

    def parts(self) -> list[Any]:
        return self.lines


def check_data(
    task: Task,
    parts: Sequence[RecordSet],
    image_size: int = LEVELS_SIZE,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> DataCheck:
    """Looks through the training pictures and those for validation; every picture is decoded.

    Args:
        task: `Task` that the data are for.
        parts: the training pictures, and those for validation, if there are any.
        image_size: height and width in pixels of the input, by which boxes are told small from
            large.
        progress: function that is given how many pictures of how many are decoded.

    Raises:
        DataError: if a part has no pictures.
    """
    total = sum(len(part.records) for part in parts)
    inspections, lines, done = [], list[Any](), 0
    for part in parts:
        lines.append(describe_records(part))
        if not len(part.records):
            skipped = [problem for problem in part.problems if problem.action == "skipped"]
            check_share(part.source, skipped, len(skipped))
        checked = check_images(part.records, _after(done, total, progress))
        done += len(part.records)
        inspections.append(task.inspect(part, checked, image_size))
        lines += inspections[-1].tables()
    shared = overlap(inspections[0], inspections[1], parts[1]) if len(parts) > 1 else []
    if shared:
        lines.append(issue_table(shared))
    elif len(parts) > 1:
        lines.append("Training and validation share no picture.")
    has_errors = bool(shared) or any(one.has_errors for one in inspections)
    return DataCheck(inspections, has_errors, lines)


def _after(before: int, total: int, progress: Callable[[int, int], object]) -> Callable:
    return lambda done: progress(before + done, total)
