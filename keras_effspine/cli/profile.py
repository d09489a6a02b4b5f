"""`effspine profile`."""

import dataclasses
import json
from typing import Annotated, Any

import typer
from rich.table import Table

from keras_effspine.cli.console import OUTPUT, say
from keras_effspine.cli.options import Data, Images, Split, check_data_options
from keras_effspine.cli.quiet_start import load_tensorflow
from keras_effspine.errors import ProfilingError
from keras_effspine.tasks.registry import TASKS

_GROUPS = ("part", "level", "block", "kind", "layer")
_PICTURES = 8
"""Pictures whose maps are measured together."""


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
    signals: Annotated[
        bool,
        typer.Option(
            "--signals",
            help="Mean square and variance of the maps at the end of each block, on noise and on "
            "pictures of --data.",
        ),
    ] = False,
    data: Data = None,
    images: Images = None,
    split: Split = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Another value of a recipe that builds the model, such as "
            "backbone.normalization=evonorm_s0. Repeatable.",
        ),
    ] = None,
    figures: Annotated[
        str | None, typer.Option(help="Folder to draw the paper's figures into.")
    ] = None,
    image_format: Annotated[
        str, typer.Option("--format", help="Of the figures: svg or png.")
    ] = "svg",
    out: Annotated[str | None, typer.Option(help="JSON file to write the counts to.")] = None,
) -> None:
    """Count parameters and multiply-adds of a model from its graph, or of all published ones.

    With --signals the model is run: a block that nothing comes out of is dead.

    'Published' is the paper's counting: with normalisation, activations and element-wise
    operations, and 1x1 convolutions before upsampling counted at the large size. 'Executed' counts
    them where they run.
    """
    if strict and not paper:
        raise ProfilingError("--strict belongs to --paper; give both.")
    check_data_options(data, images, split)
    if paper and (signals or settings):
        raise ProfilingError("--paper counts what was published: leave out --signals and --set.")
    if by not in _GROUPS:
        raise ProfilingError(f"--by {by}: there are {', '.join(_GROUPS)}.")
    load_tensorflow()
    if figures is not None:
        from keras_effspine.profiling.figures import draw_figures

        for path in draw_figures(figures, image_format):
            say(f"drawn: {path}")
        return
    from keras_effspine.training.recipe_changes import parse_setting

    values = dict(parse_setting(setting) for setting in settings or ())
    counts: Any
    inside = True
    if paper:
        counts, inside = _paper()
    elif signals:
        counts = _signals(preset, task, image_size, classes, values, data, images, split)
    else:
        counts = _one(preset, task, image_size, classes, by, values)
    if out is not None:
        from keras_effspine.atomic_file import write_file

        text = json.dumps(counts, indent=2) + "\n"
        write_file(out, lambda file: file.write_text(text))
        say(f"Counts written to {out}.")
    if strict and not inside:
        raise typer.Exit(1)


def _signals(
    preset: str,
    task: str,
    image_size: int | None,
    classes: int | None,
    values: dict[str, Any],
    data: str | None,
    images: str | None,
    split: str | None,
) -> dict[str, Any]:
    """Prints how large a model's maps are on noise and on pictures, and returns the numbers."""
    from keras_effspine.data.loading import load_records
    from keras_effspine.profiling.profile_task import build_for_task
    from keras_effspine.profiling.signals import noise, signals
    from keras_effspine.stream.decoding import ImageDecoder
    from keras_effspine.stream.pipeline import evaluation_batches
    from keras_effspine.tasks.registry import find_task, task_name

    task = task_name(task)
    model, size = build_for_task(task, preset, image_size, classes, values, with_weights=True)
    records = load_records(data or "shapes", images, split, find_task(task).labels)
    batch = next(iter(evaluation_batches(records, ImageDecoder(records), size, _PICTURES)))
    found = {
        "noise": signals(model, noise(_PICTURES, size)),
        "pictures": signals(model, batch["images"].numpy()),
    }
    table = Table(
        *("", "level", "noise:\nmean sq.", "\nvariance", "pictures:\nmean sq.", "\nvariance", ""),
        title=f"{preset}, {task} at {size} px",
        caption="means over channels; as a training step sees them",
    )
    for column in table.columns:
        column.no_wrap = True
    for column in table.columns[1:]:
        column.justify = "right"
    for one, other in zip(found["noise"], found["pictures"], strict=True):
        numbers = (one.mean_square, one.variance, other.mean_square, other.variance)
        name = f"output {one.layer}" if one.place == "output" else one.place
        dead = "dead" if one.is_dead or other.is_dead else ""
        level = "" if one.level is None else str(one.level)
        table.add_row(name, level, *(f"{number:.3g}" for number in numbers), dead)
    OUTPUT.print(table)
    return {
        "preset": preset,
        "task": task,
        "image_size": size,
        "data": str(records.source),
        **{name: [dataclasses.asdict(one) for one in ones] for name, ones in found.items()},
    }


def _one(
    preset: str,
    task: str,
    image_size: int | None,
    classes: int | None,
    by: str,
    values: dict[str, Any],
) -> dict[str, Any]:
    """Prints the profile of one model and returns it as a dictionary."""
    from keras_effspine.profiling.profile_task import profile_task
    from keras_effspine.tasks.registry import find_task, task_name

    task = task_name(task)
    classes = classes or find_task(task).published_classes
    counted = profile_task(task, preset, image_size, classes, settings=values)
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
