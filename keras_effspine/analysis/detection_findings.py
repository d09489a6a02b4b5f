"""A closer look at what was measured of a detector."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from rich.table import Table
from rich.text import Text

from keras_effspine.analysis.confusion import confusion_finding, detection_confusion
from keras_effspine.analysis.error_kinds import ErrorKinds, error_kinds
from keras_effspine.analysis.finding import Finding, Grade
from keras_effspine.analysis.pairing import overlaps_between, pair_up
from keras_effspine.data.record import Record, RecordSet
from keras_effspine.evaluation.coco_detection import Boxes
from keras_effspine.evaluation.detection_result import DetectionResult

_SIZES = ("small", "medium", "large")


def detection_findings(
    result: DetectionResult,
    record_set: RecordSet,
    pairs: Iterable[tuple[Record, Boxes]],
    shown: Callable[[Boxes], Boxes],
) -> list[Finding]:
    """Confusion matrix, curves and score thresholds, errors by kind, and AP by size.

    Args:
        result: `DetectionResult` with curves and matches: of masks, where they were measured.
        record_set: the `RecordSet` that was measured against.
        pairs: pairs of a record and its detections, in the order in which the evaluator got them;
            gone through twice.
        shown: function from detections to those that are shown to people.
    """
    names = record_set.class_names
    drawn = ((record, shown(output)) for record, output in pairs)
    matrix = detection_confusion(drawn, len(names))
    confusion = confusion_finding(
        matrix,
        names,
        "What is drawn, with the score thresholds below, at the objects: pairs that overlap by "
        "half or more. The last row counts what is predicted where no object is, the last column "
        "objects that are not found.",
    )
    assert result.matches is not None  # the evaluator gives them
    kinds = error_kinds(result.matches, picture_overlaps(record_set, pairs))
    return [confusion, _curves(result), _kinds(kinds), _sizes(result)]


def grade_detections(record: Record, shown: Boxes) -> Grade:
    """How well the objects of a picture were found, by F1 of what is shown of it."""
    pairs = pair_up(record, shown)
    classes = np.append(np.asarray(record.classes, int), -1)[pairs.objects]
    right = int(np.sum(classes == np.asarray(shown.classes, int)))
    wrong = int(np.sum(pairs.is_counted)) - right
    missed = int(np.sum(~pairs.is_crowd)) - right
    if not right + wrong + missed:
        return Grade(1.0, "nothing to find, nothing found")
    # Of pictures without anything right, the one with the most mistakes is the worst.
    value = 2 * right / (2 * right + wrong + missed) - 1e-6 * (wrong + missed)
    return Grade(value, f"{right} right, {wrong} wrong, {missed} missed")


def picture_overlaps(
    record_set: RecordSet, pairs: Iterable[tuple[Record, Boxes]]
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """What `error_kinds` asks of each picture."""
    counts = [len(record.boxes) for record in record_set.records]
    ends = dict(zip((r.image_id for r in record_set.records), np.cumsum(counts), strict=True))
    first = 0
    for record, output in pairs:
        detections = first + np.arange(len(output.boxes))
        first += len(output.boxes)
        objects = ends[record.image_id] - len(record.boxes) + np.arange(len(record.boxes))
        yield detections, objects, overlaps_between(record, output)[0]


def _curves(result: DetectionResult) -> Finding:
    table = Table(
        *("class", "objects", "AP50", "from score", "F1", "precision", "recall"),
        title="Score thresholds",
    )
    values: list[dict[str, Any]] = []
    for one, curve in zip(result.per_class, result.curves, strict=True):
        place = 0 if one.score is None else int(np.sum(curve.scores >= one.score)) - 1
        at = {
            "precision": None if one.score is None else float(curve.precision[place]),
            "recall": None if one.score is None else float(curve.recall[place]),
        }
        numbers = (one.AP50, one.score, one.F1, at["precision"], at["recall"])
        table.add_row(Text(one.name), f"{one.objects:,}", *map(_number, numbers))
        values.append(
            {
                **{"name": one.name, "objects": one.objects, "AP50": one.AP50},
                **{"score": one.score, "F1": one.F1, **at},
                # As in `COCOeval.eval["precision"]` at IoU 0.50, at the recalls 0, 0.01, ..., 1.
                "precision_at_recalls": curve.precision_at_recalls().tolist()
                if curve.objects
                else None,
            }
        )

    def figure():
        from keras_effspine.analysis.curve_figure import curve_figure

        return curve_figure(result.curves, [one.name for one in result.per_class], "AP50")

    return Finding(
        name="curves",
        title="Precision, recall and score thresholds",
        text="At an overlap of 0.50: what share of the detections is right, and what share of the "
        "objects is found, as the score from which detections are taken falls. The best score of "
        "a class is where F1, the harmonic mean of the two, is greatest.",
        values=values,
        tables=(table,),
        figure=figure,
    )


_MEANINGS = {
    "class": "at an object, of another class",
    "localisation": "at an object of its class, overlap 0.1 to 0.5",
    "both": "near an object, of another class",
    "duplicate": "at an object that a surer one has found",
    "background": "where no object is",
    "missed": "objects that nothing else would find",
}


def _kinds(kinds: ErrorKinds) -> Finding:
    table = Table("error", "what it is", "number", "AP50 without it", title="Errors by kind")
    for kind, gain in kinds.gains.items():
        count = kinds.counts.get(kind)
        number = "" if count is None else f"{count:,}"
        table.add_row(kind, _MEANINGS.get(kind, ""), number, f"+{gain:.3f}")

    def figure():
        from keras_effspine.analysis.bar_figure import bar_figure

        return bar_figure(list(kinds.gains), {"gain": list(kinds.gains.values())}, "AP50 gained")

    return Finding(
        name="errors",
        title="Errors by kind",
        text=f"AP50 is {kinds.AP50:.3f}. What it would gain if one kind of error were mended and "
        "all else stayed: a class or a place set right where that finds one more object, anything "
        "else left out (TIDE, arXiv:2008.08115). Detections of all scores count, so that errors of "
        "low scores are many and cost little.",
        values={"AP50": kinds.AP50, "counts": kinds.counts, "gains": kinds.gains},
        tables=(table,),
        figure=figure,
    )


def _sizes(result: DetectionResult) -> Finding:
    rows = [(one.name, [getattr(one, f"AP_{size}") for size in _SIZES]) for one in result.per_class]
    rows = [("all classes", [result.stats[f"AP_{size}"] for size in _SIZES]), *rows]
    table = Table("class", *_SIZES, title="AP by size")
    for name, numbers in rows:
        table.add_row(Text(name), *map(_number, numbers))
    seen = [row for row in rows if any(number is not None for number in row[1])]

    def figure():
        from keras_effspine.analysis.bar_figure import bar_figure

        by_size = {size: [numbers[i] for _, numbers in seen] for i, size in enumerate(_SIZES)}
        return bar_figure([name for name, _ in seen], by_size, "AP")

    return Finding(
        name="sizes",
        title="AP by size",
        text="Average precision over the overlaps 0.50 to 0.95 of objects of up to 32 x 32 pixels "
        "(small), up to 96 x 96 (medium) and beyond (large), in pixels of the pictures as stored.",
        values=[{"name": name, **dict(zip(_SIZES, x, strict=True))} for name, x in rows],
        tables=(table,),
        figure=figure if seen else None,
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
