"""A closer look at what was measured of a classifier."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from rich.table import Table
from rich.text import Text

from keras_effspine.analysis.confusion import confusion_finding
from keras_effspine.analysis.finding import Finding, Grade
from keras_effspine.data.record import Record, RecordSet
from keras_effspine.evaluation.class_curves import ClassCurve
from keras_effspine.evaluation.classification import Classes


def classification_findings(
    record_set: RecordSet, pairs: Iterable[tuple[Record, Classes]]
) -> list[Finding]:
    """Confusion matrix of the first answers, and the curves of each class.

    Args:
        record_set: the `RecordSet` that was measured against.
        pairs: pairs of a record and the classes that are predicted for it, with scores.
    """
    names = record_set.class_names
    count = len(names)
    matrix = np.zeros((count, count), "int64")
    answers: list[tuple[float, int, bool]] = []  # score, class, whether it is the picture's
    for record, output in pairs:
        label = record.image_label
        if label is None or not len(output.classes):
            continue
        assert output.scores is not None  # they are predictions
        matrix[label, output.classes[0]] += 1
        for index, score in zip(output.classes.tolist(), output.scores.tolist(), strict=True):
            answers.append((score, index, index == label))
    confusion = confusion_finding(
        matrix, names, "The class of each picture, and the one that is predicted first.", "pictures"
    )
    scores = np.array([score for score, *_ in answers], "float64")
    classes = np.array([index for _, index, _ in answers], int)
    is_right = np.array([right for *_, right in answers], bool)
    order = np.argsort(-scores, kind="stable")
    curves = []
    for index in range(count):
        own = order[classes[order] == index]
        curves.append(ClassCurve(scores[own], is_right[own], int(matrix[index].sum())))
    return [confusion, _curves(names, matrix, curves)]


def grade_classes(record: Record, output: Classes, class_names: Sequence[str]) -> Grade | None:
    """How a picture was classified: the surer a wrong answer, the worse."""
    if record.image_label is None or output.scores is None or not len(output.classes):
        return None
    first, score = int(output.classes[0]), float(output.scores[0])
    if first == record.image_label:
        return Grade(score, f"{class_names[first]} {score:.2f}, right")
    words = f"{class_names[first]} {score:.2f}, not {class_names[record.image_label]}"
    return Grade(-score, words)


def _curves(names: Sequence[str], matrix: np.ndarray, curves: Sequence[ClassCurve]) -> Finding:
    table = Table("class", "pictures", "precision", "recall", "F1", "AP", title="By class")
    values = []
    for index, (name, curve) in enumerate(zip(names, curves, strict=True)):
        right, said, there = (
            int(matrix[index, index]), int(matrix[:, index].sum()), int(matrix[index].sum())
        )  # fmt: skip
        numbers = {
            "precision": right / said if said else None,
            "recall": right / there if there else None,
            "F1": 2 * right / (said + there) if said + there else None,
            "AP": curve.average_precision,
        }
        shown = ("-" if value is None else f"{value:.3f}" for value in numbers.values())
        table.add_row(Text(name), f"{there:,}", *shown)
        values.append({"name": name, "pictures": there, **numbers})

    def figure():
        from keras_effspine.analysis.curve_figure import curve_figure

        return curve_figure(curves, names, "AP")

    return Finding(
        name="curves",
        title="Precision and recall by class",
        text="In the table, of the class that is predicted first: what share of these answers is "
        "right, and what share of the class' pictures gets it. The curves take every picture "
        "whose score of a class, among its first five, reaches a value.",
        values=values,
        tables=(table,),
        figure=figure,
    )
