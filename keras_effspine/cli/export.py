"""`effspine export`."""

from typing import Annotated

import typer

from keras_effspine.cli.console import say
from keras_effspine.cli.options import (
    Data,
    Images,
    Last,
    Split,
    ValData,
    ValImages,
    ValSplit,
    check_data_options,
)
from keras_effspine.cli.quiet_start import load_tensorflow, without_logs
from keras_effspine.errors import ExportError

_SUFFIXES = {"litert": ".tflite", "onnx": ".onnx", "openvino": ".xml", "saved_model": ""}


def export(
    run: Annotated[
        str,
        typer.Argument(
            help="Run folder that `effspine train` wrote, of which the best model is used, or a "
            "preset with weights."
        ),
    ],
    format: Annotated[
        str, typer.Option(help=f"Format to write: {', '.join(_SUFFIXES)}.")
    ] = "litert",
    out: Annotated[
        str | None, typer.Option(help="File to write; of a SavedModel the folder.")
    ] = None,
    precision: Annotated[
        str, typer.Option(help="float32; float16, of the weights; or int8, of the whole network.")
    ] = "float32",
    decode: Annotated[
        bool,
        typer.Option(
            "--decode", help="End the graph of a detector with boxes, decoded and suppressed."
        ),
    ] = False,
    frame: Annotated[
        str | None,
        typer.Option(
            help="Height and width, such as 720x1280, of pictures that the graph letterboxes "
            "itself; by default it takes letterboxed ones."
        ),
    ] = None,
    batch_size: Annotated[
        int, typer.Option(help="Pictures at a time; 0 for any number.", min=0)
    ] = 1,
    data: Data = None,
    images: Images = None,
    split: Split = None,
    val_data: ValData = None,
    val_images: ValImages = None,
    val_split: ValSplit = None,
    allowed_loss: Annotated[
        float, typer.Option(help="Of AP, or the task's other measure; a file is not kept beyond.")
    ] = 0.01,
    last: Last = False,
) -> None:
    """Write a trained model for a phone, a browser or a server, and check that it is as good.

    The file holds all that is needed to use it: `effspine predict FILE photo.jpg` runs it with its
    format's own runtime, without TensorFlow. int8 takes its ranges from pictures of --data, and
    model and file are measured on --val-data; by default both are the run's own.
    """
    load_tensorflow()

    import pathlib

    from keras_effspine.data.class_alignment import align_classes
    from keras_effspine.data.loading import (
        describe_records,
        load_records,
        read_validation_records,
    )
    from keras_effspine.exporting.export import export as write
    from keras_effspine.pretrained.find_trained import find_trained
    from keras_effspine.tasks.registry import find_task
    from keras_effspine.training.run_data import load_data
    from keras_effspine.training.run_folder import RunFolder

    if format not in _SUFFIXES:
        raise ExportError(f"format: there are {', '.join(_SUFFIXES)} (received: {format}).")
    check_data_options(data, images, split)
    size = None if frame is None else _size(frame)
    trained = find_trained(run, last)
    say(f"Model: {trained.name}.")
    assert trained.task and trained.class_names
    pictures = measured = None
    if data is not None:
        labels = find_task(trained.task).labels
        pictures = load_records(data, images, split, labels)
        say(describe_records(pictures))
        named = (data, images, split, val_data, val_images, val_split)
        measured = read_validation_records(*named, labels=labels)
        if measured is None:
            measured = pictures
        else:
            say(describe_records(measured))
    elif trained.run is not None:
        pictures, measured, _ = load_data(RunFolder.open(trained.run).recipe, say)
    if measured is not None:
        measured = align_classes(measured, trained.class_names)
    target = out or f"{pathlib.Path(run.rstrip('/')).name}{_SUFFIXES[format] or '-saved-model'}"
    with without_logs():
        done = write(
            run,
            target,
            format=format,
            precision=precision,
            decode=decode,
            frame_size=size,
            batch_size=batch_size or None,
            last=last,
            pictures=pictures,
            measured_on=measured,
            allowed_loss=allowed_loss,
        )
    before, after = done.operations
    say(f"Operations: {before} of the model, {after} of the file.")
    if done.multiply_adds is not None:
        millions = [f"{count / 1e6:.1f}" for count in done.multiply_adds]
        say(f"Multiply-adds, million a picture: {millions[0]} of the model, {millions[1]}.")
    compared = done.compared
    say(
        f"Outputs on {compared.pictures} pictures differ by at most {compared.difference:.2g}, of "
        f"values up to {compared.largest:.3g}."
    )
    if done.measured is None:
        say("Not measured: name data with --data to compare what model and file find.")
    else:
        both = done.measured
        values = ["-" if x is None else f"{x:.4f}" for x in (both.model, both.file)]
        say(
            f"{both.metric} on {both.pictures} pictures of {both.source}: {values[0]} of the "
            f"model, {values[1]} of the file."
        )
    files = [p for p in done.path.rglob("*") if p.is_file()] if done.path.is_dir() else [done.path]
    if format == "openvino":
        files.append(done.path.with_suffix(".bin"))
    size_in_mb = sum(file.stat().st_size for file in files) / 1e6
    say(f"{precision}, {size_in_mb:.2f} MB: {done.path}")


def _size(text: str) -> tuple[int, int]:
    """Height and width of `720x1280`."""
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isdigit() and int(part) for part in parts):
        raise ExportError(f"frame: height and width, such as 720x1280 (received: {text}).")
    return int(parts[0]), int(parts[1])
