"""`effspine profile`."""

import json
from typing import Annotated, Any

import typer
from rich.table import Table

from keras_effspine.cli.console import OUTPUT, say
from keras_effspine.cli.quiet_start import load_tensorflow
from keras_effspine.errors import ProfilingError
from keras_effspine.tasks.registry import TASKS

_GROUPS = ("part", "level", "block", "kind", "layer")


def profile(
    preset: Annotated[str, typer.Option(help="Model; see `effspine presets`.")] = "d0",
    task: Annotated[
        str, typer.Option(help=f"What the model is for: {' or '.join(TASKS)}.")
    ] = "detection",
    image_size: Annotated[
        int | None, typer.Option(help="Height and width in pixels; the preset's by default.", min=1)
    ] = None,
    classes: Annotated[
        int | None, typer.Option(help="Number of classes; the paper's by default.", min=1)
    ] = None,
    by: Annotated[str, typer.Option(help=f"Sums by {', '.join(_GROUPS)}.")] = "part",
    paper: Annotated[
        bool, typer.Option("--paper", help="Count every published model beside its numbers.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="With --paper: status 1 if a number is outside.")
    ] = False,
    figures: Annotated[
        str | None, typer.Option(help="Folder to draw the paper's figures into.")
    ] = None,
    image_format: Annotated[
        str, typer.Option("--format", help="Of the figures: svg or png.")
    ] = "svg",
    out: Annotated[str | None, typer.Option(help="JSON file to write the counts to.")] = None,
) -> None:
    """Count parameters and multiply-adds of a model from its graph, or of all published ones.

    'Published' is the paper's counting: with normalisation, activations and element-wise
    operations, and 1x1 convolutions before upsampling counted at the large size. 'Executed' counts
    them where they run.
    """
    if strict and not paper:
        raise ProfilingError("--strict belongs to --paper; give both.")
    if by not in _GROUPS:
        raise ProfilingError(f"--by {by}: there are {', '.join(_GROUPS)}.")
    load_tensorflow()
    if figures is not None:
        from keras_effspine.profiling.figures import draw_figures

        for path in draw_figures(figures, image_format):
            say(f"drawn: {path}")
        return
    counts, inside = _paper() if paper else (_one(preset, task, image_size, classes, by), True)
    if out is not None:
        from keras_effspine.atomic_file import write_file

        text = json.dumps(counts, indent=2) + "\n"
        write_file(out, lambda file: file.write_text(text))
        say(f"Counts written to {out}.")
    if strict and not inside:
        raise typer.Exit(1)


def _one(
    preset: str, task: str, image_size: int | None, classes: int | None, by: str
) -> dict[str, Any]:
    """Prints the profile of one model and returns it as a dictionary."""
    from keras_effspine.profiling.profile_task import profile_task
    from keras_effspine.tasks.registry import find_task, task_name

    task = task_name(task)
    classes = classes or find_task(task).published_classes
    counted = profile_task(task, preset, image_size, classes)
    table = Table(
        by,
        *("parameters", "with statistics", "MACs, M", "published, M", "executed, M"),
        title=f"{preset}, {task} of {classes} classes at {counted.image_size[0]} px",
        caption="multiply-adds in millions; MACs: of convolutions and dense layers alone",
    )
    for column in table.columns[1:]:
        column.justify = "right"
    sums = counted.by(by)
    for name, cost in [*sums.items(), ("total", counted.total)]:
        if name == "total":
            table.add_section()
        table.add_row(
            "other" if name is None else str(name),
            f"{cost.parameters:,}",
            f"{cost.all_parameters:,}",
            *(f"{value / 1e6:,.2f}" for value in (cost.macs, cost.published, cost.executed)),
        )
    OUTPUT.print(table)
    return counted.as_json()


def _paper() -> tuple[list[dict], bool]:
    """Prints the published models beside their numbers; the counts, and whether all are inside."""
    from keras_effspine.profiling.against_paper import compare_with_paper, summary

    table = Table("", "published", "counted", "difference", "rounding")
    for column in table.columns[1:]:
        column.no_wrap = True
    comparisons = list(compare_with_paper())
    for comparison in comparisons:
        row = comparison.row
        table.add_section()
        place = row.source if row.table is None else f"Table {row.table}"
        table.add_row(f"{place}: {row.title}, {row.task}, {row.input_size} px")
        for check in comparison.checks:
            found = ("-", "-", "not built")
            if check.counted is not None:
                found = (
                    f"{check.counted:.4f}",
                    f"{check.counted / check.published.value - 1:+.2%}",
                    "inside" if check.inside else "outside",
                )
            table.add_row(f"  {check.quantity}", str(check.published), *found)
        if row.note and any(check.inside is False for check in comparison.checks):
            table.add_row(f"  {row.note}", style="dim")
    OUTPUT.print(table)
    inside, counted = summary(comparisons)
    say(f"inside rounding: {inside} of {counted} published numbers")
    return [comparison.as_json() for comparison in comparisons], inside == counted
