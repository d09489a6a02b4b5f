"""Tables of what a look through a data set has found."""

from rich.table import Table
from rich.text import Text

from keras_effspine.cli.console import OUTPUT, printable, say


def print_objects(inspection, image_size):
    """Prints an `Inspection` of pictures with boxes, or with one label each."""
    from keras_effspine.inspection.record_inspection import level_rule

    if inspection.is_labelled:
        _labelled(inspection)
        return
    classes = Table("class", "objects", "pictures with it")
    for name, objects, images in inspection.per_class:
        classes.add_row(_cell(name), f"{objects:,}", f"{images:,}")
    classes.add_row("all", f"{inspection.objects:,}", f"{inspection.images:,}")
    OUTPUT.print(classes)
    if inspection.crowds:
        say(f"Crowds or difficult objects, not counted: {inspection.crowds:,}")
    each = Table(*inspection.per_image, title="objects a picture")
    each.add_row(*(f"{value:g}" for value in inspection.per_image.values()))
    OUTPUT.print(each)
    levels = Table(*inspection.per_level, title="objects by pyramid level")
    levels.add_row(*(f"{count:,}" for count in inspection.per_level.values()))
    OUTPUT.print(levels)
    say(level_rule(image_size))
    print_issues(inspection.issues, "No errors, no warnings.")


def _labelled(inspection):
    classes = Table("class", "pictures")
    for name, _, images in inspection.per_class:
        classes.add_row(_cell(name), f"{images:,}")
    classes.add_row("all", f"{inspection.images:,}")
    OUTPUT.print(classes)
    print_issues(inspection.issues, "No errors, no warnings.")


def print_maps(inspection):
    """Prints a `MapInspection`."""
    classes = Table("class", "pixels", "share", "pictures with it")
    total = max(inspection.pixels, 1)
    for name, pixels, images in inspection.per_class:
        if pixels:
            classes.add_row(_cell(name), f"{pixels:,}", f"{pixels / total:.2%}", f"{images:,}")
    classes.add_row("not labelled", f"{inspection.ignored:,}", f"{inspection.ignored / total:.2%}")
    classes.add_row("all", f"{inspection.pixels:,}", "", f"{inspection.images:,}")
    OUTPUT.print(classes)
    print_issues(inspection.issues, "No errors, no warnings.")


def print_issues(issues, otherwise=None):
    """Prints a list of issues, or if there are none what is said otherwise."""
    if not issues:
        if otherwise:
            say(otherwise)
        return
    table = Table("", "found", "number", "where")
    for issue in issues:
        more = ["..."] * (issue.count > len(issue.examples))
        table.add_row(
            Text(issue.level, style="red" if issue.level == "error" else "yellow"),
            _cell(issue.kind),
            f"{issue.count:,}",
            _cell("\n".join(issue.examples + more)),
        )
    OUTPUT.print(table)


def _cell(text):
    return Text(printable(text), overflow="fold")
