"""Tables of what a look through a data set has found."""

from rich.table import Table
from rich.text import Text

from keras_effspine.cli.console import OUTPUT, printable, say


def print_objects(inspection, image_size):
    """Prints an `Inspection` of pictures with boxes, or with one label each."""
    from keras_effspine.data.inspection import level_rule

    if inspection.is_labelled:
        _labelled(inspection)
        return
    classes = Table("class", "objects", "pictures with it")
    for name, objects, pictures in inspection.per_class:
        classes.add_row(_cell(name), f"{objects:,}", f"{pictures:,}")
    classes.add_row("all", f"{inspection.objects:,}", f"{inspection.pictures:,}")
    OUTPUT.print(classes)
    if inspection.crowds:
        say(f"Crowds or difficult objects, not counted: {inspection.crowds:,}")
    each = Table(*inspection.per_picture, title="objects a picture")
    each.add_row(*(f"{value:g}" for value in inspection.per_picture.values()))
    OUTPUT.print(each)
    levels = Table(*inspection.per_level, title="objects by pyramid level")
    levels.add_row(*(f"{count:,}" for count in inspection.per_level.values()))
    OUTPUT.print(levels)
    say(level_rule(image_size))
    print_findings(inspection.findings, "No errors, no warnings.")


def _labelled(inspection):
    classes = Table("class", "pictures")
    for name, _, pictures in inspection.per_class:
        classes.add_row(_cell(name), f"{pictures:,}")
    classes.add_row("all", f"{inspection.pictures:,}")
    OUTPUT.print(classes)
    print_findings(inspection.findings, "No errors, no warnings.")


def print_maps(inspection):
    """Prints a `MapInspection`."""
    classes = Table("class", "pixels", "share", "pictures with it")
    total = max(inspection.pixels, 1)
    for name, pixels, pictures in inspection.per_class:
        if pixels:
            classes.add_row(_cell(name), f"{pixels:,}", f"{pixels / total:.2%}", f"{pictures:,}")
    classes.add_row("not labelled", f"{inspection.ignored:,}", f"{inspection.ignored / total:.2%}")
    classes.add_row("all", f"{inspection.pixels:,}", "", f"{inspection.pictures:,}")
    OUTPUT.print(classes)
    print_findings(inspection.findings, "No errors, no warnings.")


def print_findings(findings, otherwise=None):
    """Prints a list of findings, or if there are none what is said otherwise."""
    if not findings:
        if otherwise:
            say(otherwise)
        return
    table = Table("", "found", "number", "where")
    for finding in findings:
        more = ["..."] * (finding.count > len(finding.examples))
        table.add_row(
            Text(finding.level, style="red" if finding.level == "error" else "yellow"),
            _cell(finding.kind),
            f"{finding.count:,}",
            _cell("\n".join(finding.examples + more)),
        )
    OUTPUT.print(table)


def _cell(text):
    return Text(printable(text), overflow="fold")
