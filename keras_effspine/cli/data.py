"""`effspine data check` and `effspine data convert`."""

import pathlib
from typing import Annotated

import typer
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from keras_effspine.cli.console import ERRORS, OUTPUT, printable, say
from keras_effspine.cli.options import (
    Data,
    Images,
    Split,
    ValData,
    ValImages,
    ValSplit,
    check_data_options,
)
from keras_effspine.cli.quiet_start import load_tensorflow
from keras_effspine.errors import DataError
from keras_effspine.tasks.registry import TASKS

app = typer.Typer(help="Look through a data set before training, or write it in another format.")

_LEVELS_SIZE = 384
"""The input of `m1`, which the recipe `fine_tune` starts from."""


@app.command()
def check(
    data: Data = None,
    images: Images = None,
    split: Split = None,
    val_data: ValData = None,
    val_images: ValImages = None,
    val_split: ValSplit = None,
    task: Annotated[
        str | None, typer.Option(help=f"What the data are for: {' or '.join(TASKS)}.")
    ] = None,
    image_size: Annotated[
        int, typer.Option(help="Input size by which boxes are told small from large.", min=32)
    ] = _LEVELS_SIZE,
    out: Annotated[
        str | None, typer.Option(help="PNG file for a gallery: the truth drawn on a sample.")
    ] = None,
):
    """Report what a data set holds and what is wrong with it; every picture is decoded.

    An error is what training would lose (a picture, an annotation) or what would make the
    measurement mean something else (validation pictures that are trained on). A warning is used
    all the same: clipped boxes, classes without objects, equal pictures or boxes.
    The exit status is 1 if there are errors.
    """
    from keras_effspine.data.class_alignment import align_classes
    from keras_effspine.data.inspection import inspect, overlap
    from keras_effspine.data.loading import describe_records, read_records, read_validation_records
    from keras_effspine.data.map_inspection import inspect_maps
    from keras_effspine.data.picture_check import check_pictures

    if data is None:
        raise DataError("Name the data to check (--data).")
    if out is not None and pathlib.Path(out).suffix.lower() != ".png":
        raise DataError(f"{out}: the gallery is a PNG file; end its name in .png.")
    check_data_options(data, images, split)
    _load_tensorflow_for(data, val_data)
    labels = "objects" if task is None else _labels_of(task)
    records, _ = read_records(data, images, split, labels)
    measured = read_validation_records(
        data, images, split, val_data, val_images, val_split, read_records, labels
    )
    if measured is not None:
        align_classes(measured[0], records.class_names)  # refuses what training would refuse
    parts = [records] if measured is None else [records, measured[0]]
    inspections = []
    for part in parts:
        say(describe_records(part))
        if not len(part.records):
            raise DataError(f"{part.source}: holds no picture that can be looked at.")
        with Progress(console=ERRORS, disable=not ERRORS.is_terminal, transient=True) as progress:
            bar = progress.add_task("Decoding every picture", total=len(part.records))
            found = check_pictures(
                part.records, lambda done, bar=bar, p=progress: p.update(bar, completed=done)
            )
        if part.records[0].semantic_map is not None:
            inspections.append(inspect_maps(part, found))
            _print_maps(inspections[-1])
        else:
            inspections.append(inspect(part, found, image_size))
            _print(inspections[-1], image_size)
    if len(parts) > 1:
        shared = overlap(*inspections, parts[1])
        if shared:
            _print_findings(shared)
        else:
            say("Training and validation share no picture.")
    else:
        shared = []
    if out is not None:
        _write_gallery(records, inspections[0], out)
    if shared or any(one.has_errors for one in inspections):
        raise typer.Exit(1)


@app.command()
def convert(
    to: Annotated[str, typer.Option(help="Format to write: coco, voc, yolo or tfrecord.")],
    out: Annotated[str, typer.Option(help="Folder to make.")],
    data: Data = None,
    images: Images = None,
    split: Split = None,
    link: Annotated[
        bool, typer.Option("--link", help="Link picture files where possible; do not copy them.")
    ] = False,
):
    """Write a data set, with its pictures, in another format.

    All parts are written unless --split names one; data without parts become the part train.
    What the format cannot hold is listed.
    """
    from keras_effspine.data.checks import describe_problems
    from keras_effspine.data.conversion import convert as write
    from keras_effspine.data.loading import describe_records, load_records
    from keras_effspine.data.sources import find_source

    if data is None:
        raise DataError("Name the data to convert (--data).")
    check_data_options(data, images, split)
    _load_tensorflow_for(data, to)
    splits = (split,) if split is not None else find_source(data, images).splits or (None,)
    record_sets = {}
    for name in splits:
        records = load_records(data, images, name)
        say(describe_records(records))
        for line in describe_problems(records):
            say(line)
        record_sets[records.split or "train"] = records
    lost = write(record_sets, to, out, link)
    for line in lost:
        say(f"left out, {to} cannot hold it: {line}")
    pictures = sum(len(records.records) for records in record_sets.values())
    say(f"{pictures} pictures written in {', '.join(record_sets)}: {out}")


def _labels_of(task):
    from keras_effspine.tasks.registry import find_task

    if task not in TASKS:
        raise DataError(f"--task {task}: there is no such task; there are: {', '.join(TASKS)}.")
    load_tensorflow()
    return find_task(task).labels


def _load_tensorflow_for(*named):
    """Loads TensorFlow, quietly, where a format needs it."""
    for name in filter(None, named):
        if name.startswith("tfds:") or name == "tfrecord":
            load_tensorflow()
        elif any((pathlib.Path(name) / f).is_file() for f in ("dataset_info.json", "classes.txt")):
            load_tensorflow()


def _print(inspection, image_size):
    from keras_effspine.data.inspection import level_rule

    if inspection.is_labelled:
        _print_labelled(inspection)
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
    _print_findings(inspection.findings, "No errors, no warnings.")


def _print_labelled(inspection):
    classes = Table("class", "pictures")
    for name, _, pictures in inspection.per_class:
        classes.add_row(_cell(name), f"{pictures:,}")
    classes.add_row("all", f"{inspection.pictures:,}")
    OUTPUT.print(classes)
    _print_findings(inspection.findings, "No errors, no warnings.")


def _print_maps(inspection):
    classes = Table("class", "pixels", "share", "pictures with it")
    total = max(inspection.pixels, 1)
    for name, pixels, pictures in inspection.per_class:
        if pixels:
            classes.add_row(_cell(name), f"{pixels:,}", f"{pixels / total:.2%}", f"{pictures:,}")
    classes.add_row("not labelled", f"{inspection.ignored:,}", f"{inspection.ignored / total:.2%}")
    classes.add_row("all", f"{inspection.pixels:,}", "", f"{inspection.pictures:,}")
    OUTPUT.print(classes)
    _print_findings(inspection.findings, "No errors, no warnings.")


def _print_findings(findings, otherwise=None):
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


def _write_gallery(records, inspection, out):
    from PIL import Image

    from keras_effspine.atomic_file import write_file
    from keras_effspine.pictures.gallery import truth_gallery

    usable = [i for i, content in enumerate(inspection.contents) if content]
    if not usable:
        say("No picture can be decoded: there is no gallery.")
        return
    picture = Image.fromarray(truth_gallery(records, usable))
    write_file(out, picture.save)
    say(f"Gallery written to {out}.")
