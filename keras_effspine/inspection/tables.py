"""Tables of what a look through a data set has found."""

from typing import Any

from rich.table import Table
from rich.text import Text

from keras_effspine.inspection.issues import Issue
from keras_effspine.printable import printable


def object_tables(inspection: Any) -> list[Table | str]:
    """What an `Inspection` of pictures with objects found."""
    classes = Table("class", "objects", "pictures with it")
    for name, objects, images in inspection.per_class:
        classes.add_row(_cell(name), f"{objects:,}", f"{images:,}")
    classes.add_row("all", f"{inspection.objects:,}", f"{inspection.images:,}")
    each = Table(*inspection.per_image, title="objects a picture")
    each.add_row(*(f"{value:g}" for value in inspection.per_image.values()))
    levels = Table(*inspection.per_level, title="objects by pyramid level")
    levels.add_row(*(f"{count:,}" for count in inspection.per_level.values()))
    crowds = f"Crowds or difficult objects, not counted: {inspection.crowds:,}"
    return [
        classes,
        *([crowds] if inspection.crowds else []),
        each,
        levels,
        inspection.level_rule,
        issue_table(inspection.issues),
    ]


def label_tables(inspection: Any) -> list[Table | str]:
    """What an `Inspection` of pictures with one label each found."""
    classes = Table("class", "pictures")
    for name, _, images in inspection.per_class:
        classes.add_row(_cell(name), f"{images:,}")
    classes.add_row("all", f"{inspection.images:,}")
    return [classes, issue_table(inspection.issues)]


def map_tables(inspection: Any) -> list[Table | str]:
    """What a `MapInspection` found."""
    classes = Table("class", "pixels", "share", "pictures with it")
    total = max(inspection.pixels, 1)
    for name, pixels, images in inspection.per_class:
        if pixels:
            classes.add_row(_cell(name), f"{pixels:,}", f"{pixels / total:.2%}", f"{images:,}")
    classes.add_row("not labelled", f"{inspection.ignored:,}", f"{inspection.ignored / total:.2%}")
    classes.add_row("all", f"{inspection.pixels:,}", "", f"{inspection.images:,}")
    return [classes, issue_table(inspection.issues)]


def issue_table(issues: list[Issue]) -> Table | str:
    """The issues, or that there are none."""
    if not issues:
        return "No errors, no warnings."
    table = Table("", "found", "number", "where")
    for issue in issues:
        more = ["..."] * (issue.count > len(issue.examples))
        table.add_row(
            Text(issue.level, style="red" if issue.level == "error" else "yellow"),
            _cell(issue.kind),
            f"{issue.count:,}",
            _cell("\n".join(issue.examples + more)),
        )
    return table


def _cell(text: str) -> Text:
    return Text(printable(text), overflow="fold")
