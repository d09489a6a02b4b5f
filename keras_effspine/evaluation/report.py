"""Tables of what was measured, for the terminal."""

from typing import Any

from rich.table import Table
from rich.text import Text

_STATS = (
    ("AP", "AP", "0.50:0.95", "all", "100"),
    ("AP50", "AP", "0.50", "all", "100"),
    ("AP75", "AP", "0.75", "all", "100"),
    ("AP_small", "AP", "0.50:0.95", "small", "100"),
    ("AP_medium", "AP", "0.50:0.95", "medium", "100"),
    ("AP_large", "AP", "0.50:0.95", "large", "100"),
    ("AR1", "AR", "0.50:0.95", "all", "1"),
    ("AR10", "AR", "0.50:0.95", "all", "10"),
    ("AR100", "AR", "0.50:0.95", "all", "100"),
    ("AR_small", "AR", "0.50:0.95", "small", "100"),
    ("AR_medium", "AR", "0.50:0.95", "medium", "100"),
    ("AR_large", "AR", "0.50:0.95", "large", "100"),
)


def stats_table(result: Any, title: str = "Detection") -> Table:
    """Lays out COCO's 12 numbers.

    Args:
        result: a `DetectionResult`.
        title: what was measured.

    Returns:
        A `rich.table.Table`; numbers that could not be measured read `-`.
    """
    table = Table(title=title, caption=_counts(result))
    table.add_column("name")
    table.add_column("IoU")
    table.add_column("area")
    table.add_column("detections", justify="right")
    table.add_column("value", justify="right")
    for row, (name, kind, iou, area, detections) in enumerate(_STATS):
        last_of_kind = row + 1 == len(_STATS) or _STATS[row + 1][1] != kind
        value = _number(result.stats[name])
        table.add_row(name, iou, area, detections, value, end_section=last_of_kind)
    return table


def class_table(result: Any, title: str = "Detection") -> Table:
    """Lays out the average precision of every class.

    Args:
        result: a `DetectionResult`.
        title: what was measured.

    Returns:
        A `rich.table.Table` with one row a class, in the order of the class indices; classes
        without objects read `-`. F1 is the greatest at IoU 0.50, of detections from that score on.
    """
    table = Table(title=f"{title} by class")
    table.add_column("class")
    table.add_column("objects", justify="right")
    table.add_column("AP", justify="right")
    table.add_column("AP50", justify="right")
    table.add_column("F1", justify="right")
    table.add_column("from score", justify="right")
    for one in result.per_class:
        numbers = map(_number, (one.AP, one.AP50, one.F1, one.score))
        # As `Text`, so that square brackets in a name are not taken for markup.
        table.add_row(Text(one.name), str(one.objects), *numbers)
    return table


def _counts(result: Any) -> str:
    missing = result.images - result.images_added
    parts = [
        f"{result.images} pictures",
        f"{result.objects} objects",
        f"{result.crowds} crowds",
        f"{result.detections} detections",
    ]
    if missing:
        parts.append(f"{missing} pictures were not run and count as having no detections")
    return ", ".join(parts)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
