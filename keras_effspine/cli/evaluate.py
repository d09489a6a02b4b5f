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
from keras_effspine.errors import DataError


def evaluate(
    run: Annotated[
        str,
        typer.Argument(
            help="Run folder that `effspine train` wrote, of which the best model is used; a "
            "preset with weights; or a file of `effspine export`."
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
    from keras_effspine.atomic_file import write_file
    from keras_effspine.cli.predictor import find_predictor
    from keras_effspine.data.checks import describe_problems
    from keras_effspine.data.class_alignment import align_classes
    from keras_effspine.data.loading import describe_records, load_measured_records
    from keras_effspine.runners.model_file import is_model_file

    check_data_options(data, images, split)
    predictor = find_predictor(run, last)
    say(f"Model: {predictor.name}.")
    if data is None:
        if predictor.run is None:
            kind = "an exported file" if is_model_file(run) else "a preset"
            raise DataError(f"{run}: {kind} has no data of its own; name some with --data.")
        from keras_effspine.training.run_folder import RunFolder
        from keras_effspine.training.train import load_data, load_validation_data

        recipe = RunFolder.open(predictor.run).recipe
        records = load_validation_data(recipe, say) or load_data(recipe, say)[0]
    else:
        records = load_measured_records(data, images, split, predictor.task.labels)
        say(describe_records(records))
        for line in describe_problems(records):
            say(line)
    records = align_classes(records, predictor.class_names)
    evaluator = predictor.task.evaluator(records)
    predictions, images_read = predictor.predictions(records, batch_size, flip=flip)
    for record, output in predictions:
        evaluator.add(record, output)
    result = evaluator.result()
    for line in images_read.describe():
        say(f"could not be decoded, counted as a picture without predictions: {line}")
    for table in result.tables():
        OUTPUT.print(table)
    if out is not None:
        measured = {"source": records.source, "result": result.as_json()}
        text = json.dumps(measured, indent=2) + "\n"
        write_file(out, lambda file: file.write_text(text))
        say(f"Measurements written to {out}.")
