"""A closer look at what was measured of semantic segmentation."""

from __future__ import annotations

import numpy as np
from rich.table import Table
from rich.text import Text

from keras_effspine.analysis.confusion import confusion_finding
from keras_effspine.analysis.finding import Finding, Grade
from keras_effspine.evaluation.semantic_segmentation import SegmentationResult
from keras_effspine.topology.labels import IGNORED

_MEASURES = ("IoU", "precision", "recall")


def segmentation_findings(result: SegmentationResult) -> list[Finding]:
    """Confusion matrix of pixels; and IoU, precision and recall of each class."""
    confusion = confusion_finding(
        result.matrix[:, :-1],
        result.class_names,
        "Labelled pixels by their class and by the one that is predicted.",
        "pixels",
    )
    rows = []
    for one in result.per_class:
        labelled, predicted, right = one["labelled"], one["predicted"], one["right"]
        measures = {
            "IoU": one["IoU"],
            "precision": right / predicted if predicted else None,
            "recall": right / labelled if labelled else None,
        }
        rows.append({"name": one["name"], "pixels": labelled, **measures})
    table = Table("class", "pixels", *_MEASURES, title="By class")
    for row in rows:
        shown = ("-" if row[name] is None else f"{row[name]:.3f}" for name in _MEASURES)
        table.add_row(Text(row["name"]), f"{row['pixels']:,}", *shown)
    seen = [row for row in rows if row["IoU"] is not None]

    def figure():
        from keras_effspine.analysis.bar_figure import bar_figure

        values = {name: [row[name] for row in seen] for name in _MEASURES}
        return bar_figure([row["name"] for row in seen], values, "share of pixels")

    by_class = Finding(
        name="classes",
        title="IoU, precision and recall by class",
        text="Of the pixels that are annotated or predicted as a class the share that is both "
        "(IoU); of those that are predicted, the share that is right (precision); of those that "
        "are annotated, the share that is found (recall).",
        values=rows,
        tables=(table,),
        figure=figure if seen else None,
    )
    return [confusion, by_class]


def grade_map(truth: np.ndarray, output: np.ndarray) -> Grade | None:
    """How well a picture was segmented: the mean IoU of the classes on it.

    Args:
        truth, output: uint8 `(height, width)`, class indices; 255 in `truth` is not counted.
    """
    known = truth != IGNORED
    truth, output = truth[known], output[known]
    if not truth.size:
        return None
    ious = [
        np.sum((truth == index) & (output == index)) / np.sum((truth == index) | (output == index))
        for index in np.union1d(truth, output)
    ]
    value = float(np.mean(ious))
    return Grade(value, f"mean IoU {value:.2f}")
