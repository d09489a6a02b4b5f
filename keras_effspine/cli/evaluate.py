"""`effspine evaluate`."""

import json
from typing import Annotated

import typer

from keras_effspine.cli.console import OUTPUT, say
from keras_effspine.cli.options import (
    BatchSize,
    Data,
    Flip,
    Images,
    Last,
    Split,
    check_data_options,
)
from keras_effspine.cli.quiet_start import load_tensorflow
from keras_effspine.errors import DataError


def evaluate(
    run: Annotated[
        str,
        typer.Argument(
            help="Run folder that `effspine train` wrote, of which the best model is used, or a "
            "preset with weights."
        ),
    ],
    data: Data = None,
    images: Images = None,
    split: Split = None,
    batch_size: BatchSize = None,
    last: Last = False,
    flip: Flip = False,
    out: Annotated[str | None, typer.Option(help="JSON file to write the measurements to.")] = None,
) -> None:
    """Measure a trained model on a data set; by default on the validation data of its run."""
    load_tensorflow()

    from keras_effspine.atomic_file import write_file
    from keras_effspine.data.checks import describe_problems
    from keras_effspine.data.class_alignment import align_classes
    from keras_effspine.data.loading import describe_records, load_measured_records
    from keras_effspine.pretrained.find_trained import find_trained
    from keras_effspine.stream.decoding import ImageDecoder
    from keras_effspine.tasks.inference import evaluate as measure
    from keras_effspine.tasks.registry import find_task
    from keras_effspine.training.run_folder import RunFolder
    from keras_effspine.training.train import load_data, load_validation_data

    check_data_options(data, images, split)
    trained = find_trained(run, last)
    say(f"Model: {trained.name}.")
    assert trained.task and trained.class_names and trained.image_size
    task = find_task(trained.task)
    if data is None:
        if trained.run is None:
            raise DataError(f"{run}: a preset has no data of its own; name some with --data.")
        recipe = RunFolder.open(trained.run).recipe
        records = load_validation_data(recipe, say) or load_data(recipe, say)[0]
    else:
        records = load_measured_records(data, images, split, task.labels)
        say(describe_records(records))
        for line in describe_problems(records):
            say(line)
    records = align_classes(records, trained.class_names)
    decoder = ImageDecoder(records)
    result = measure(
        task,
        trained.read_for_inference(),
        records,
        trained.image_size,
        batch_size or trained.batch_size,
        decoder,
        flip=flip,
    ).result()
    for line in decoder.describe():
        say(f"could not be decoded, counted as a picture without predictions: {line}")
    for table in result.tables():
        OUTPUT.print(table)
    if out is not None:
        measured = {"source": records.source, "result": result.as_json()}
        text = json.dumps(measured, indent=2) + "\n"
        write_file(out, lambda file: file.write_text(text))
        say(f"Measurements written to {out}.")
