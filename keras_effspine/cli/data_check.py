"""`effspine data check`."""

import pathlib
from typing import Annotated

import typer
from rich.progress import Progress

from keras_effspine.cli.console import ERRORS, say, show
from keras_effspine.cli.options import (
    Data,
    Images,
    Split,
    ValData,
    ValImages,
    ValSplit,
    check_data_options,
)
from keras_effspine.cli.quiet_start import load_tensorflow_for
from keras_effspine.errors import DataError
from keras_effspine.tasks.registry import TASKS


def check(
    data: Data = None,
    images: Images = None,
    split: Split = None,
    val_data: ValData = None,
    val_images: ValImages = None,
    val_split: ValSplit = None,
    task: Annotated[
        str | None,
        typer.Option(
            help=f"What the data are for: {' or '.join(TASKS)}; by default what is annotated."
        ),
    ] = None,
    image_size: Annotated[
        int | None,
        typer.Option(
            help="Input size by which boxes are told small from large; by default 384, m1's.",
            min=32,
        ),
    ] = None,
    out: Annotated[
        str | None, typer.Option(help="PNG file for a gallery: the truth drawn on a sample.")
    ] = None,
) -> None:
    """Report what a data set holds and what is wrong with it; every picture is decoded.

    An error is what training would lose (a picture, an annotation) or what would make the
    measurement mean something else (validation pictures that are trained on). A warning is used
    all the same: clipped boxes, classes without objects, equal pictures or boxes.
    The exit status is 1 if there are errors.
    """
    from keras_effspine.data.class_alignment import align_classes
    from keras_effspine.data.loading import read_records, read_validation_records
    from keras_effspine.tasks.registry import find_task, task_of
    from keras_effspine.workflow.data_check import LEVELS_SIZE, check_data

    if data is None:
        raise DataError("Name the data to check (--data).")
    if out is not None and pathlib.Path(out).suffix.lower() != ".png":
        raise DataError(f"{out}: the gallery is a PNG file; end its name in .png.")
    check_data_options(data, images, split)
    load_tensorflow_for(data, val_data)
    asked = None if task is None else find_task(task)
    labels = asked.labels if asked else ("objects",)
    records, _ = read_records(data, images, split, labels)
    measured = read_validation_records(
        data, images, split, val_data, val_images, val_split, read_records, labels
    )
    if measured is not None:
        align_classes(measured[0], records.class_names)  # refuses what training would refuse
    looking = asked or find_task(task_of(records.records))
    parts = [records] if measured is None else [records, measured[0]]
    with Progress(console=ERRORS, disable=not ERRORS.is_terminal, transient=True) as progress:
        bar = progress.add_task("Decoding every picture")
        found = check_data(
            looking,
            parts,
            image_size or LEVELS_SIZE,
            lambda done, total: progress.update(bar, completed=done, total=total),
        )
    show(found.parts())
    if out is not None:
        _write_gallery(looking, records, found.inspections[0], out)
    if found.has_errors:
        raise typer.Exit(1)


def _write_gallery(task, records, inspection, out):
    from PIL import Image

    from keras_effspine.atomic_file import write_file
    from keras_effspine.tasks.showcase import truth_gallery

    usable = [i for i, content in enumerate(inspection.contents) if content]
    if not usable:
        say("No picture can be decoded: there is no gallery.")
        return
    image = Image.fromarray(truth_gallery(task, records, usable))
    write_file(out, image.save)
    say(f"Gallery written to {out}.")
