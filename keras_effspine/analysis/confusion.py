"""Which class is taken for which: confusion matrices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from rich.table import Table
from rich.text import Text

from keras_effspine.analysis.finding import Finding
from keras_effspine.analysis.pairing import pair_up
from keras_effspine.data.record import Record
from keras_effspine.evaluation.coco_detection import Boxes

BACKGROUND = "(background)"
"""The row of what is predicted where nothing is, and the column of what is not found."""

_NAMED = 12


def detection_confusion(pairs: Iterable[tuple[Record, Boxes]], num_classes: int) -> np.ndarray:
    """Counts objects by their class and the class that is predicted at their place.

    Args:
        pairs: pairs of a `Record` and what is shown of the detections for it.
        num_classes: number of classes `C`.

    Returns:
        int64 `(C + 1, C + 1)`, annotated by predicted class. The last row counts detections where
        no object is, the last column objects that nothing is predicted for. Crowds, and detections
        on those of their class, are not counted.
    """
    matrix = np.zeros((num_classes + 1, num_classes + 1), "int64")
    for record, found in pairs:
        matched = pair_up(record, found)
        predicted = np.asarray(found.classes, int)
        classes = np.append(np.asarray(record.classes, int), num_classes)  # -1 is the background
        counted = matched.is_counted
        np.add.at(matrix, (classes[matched.objects[counted]], predicted[counted]), 1)
        is_missed = ~matched.is_crowd
        is_missed[matched.objects[matched.objects >= 0]] = False
        np.add.at(matrix, (classes[:-1][is_missed], num_classes), 1)
    return matrix


def confusion_finding(
    matrix: np.ndarray, class_names: Sequence[str], text: str, unit: str = "objects"
) -> Finding:
    """A confusion matrix as a `Finding`.

    Args:
        matrix: int `(C, C)`, or `(C + 1, C + 1)` with the background, annotated by predicted class.
        class_names: the `C` names.
        text: what is counted.
        unit: what is counted, in a word.
    """
    names = [*class_names, BACKGROUND][: len(matrix)]
    wrong = matrix.copy()
    np.fill_diagonal(wrong, 0)
    places = np.argsort(-wrong, axis=None, kind="stable")[:_NAMED]
    table = Table("annotated", "predicted", unit, "share of the class", title="Most often confused")
    for truth, predicted in zip(*np.unravel_index(places, wrong.shape), strict=True):
        count, total = int(wrong[truth, predicted]), int(matrix[truth].sum())
        if count:
            share = "-" if names[truth] == BACKGROUND else f"{count / total:.1%}"
            table.add_row(Text(names[truth]), Text(names[predicted]), f"{count:,}", share)

    def figure():
        from keras_effspine.analysis.matrix_figure import matrix_figure

        return matrix_figure(matrix, names)

    return Finding(
        name="confusion_matrix",
        title="Confusion matrix",
        text=text,
        values={"classes": names, "annotated_by_predicted": matrix.tolist()},
        tables=(table,) if table.row_count else (),
        figure=figure,
    )
