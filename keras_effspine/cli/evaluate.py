"""`effspine evaluate`."""

import json
from typing import Annotated

import typer

from keras_effspine.cli.console import say, show
from keras_effspine.cli.options import (
    BatchSize,
    Data,
    Flip,
    Images,
    Last,
    Split,
    TilesText,
    check_data_options,
)
from keras_effspine.cli.predictor import find_predictor


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
    tiles: TilesText = None,
    out: Annotated[
        str | None,
        typer.Option(
            help="JSON file to write the measurements to; or a folder for a closer look: "
            "report.html, report.json, and pictures of it."
        ),
    ] = None,
) -> None:
    """Measure a trained model on a data set; by default on the validation data of its run.

    With a folder as --out it shows what goes wrong, too: for detectors and instance masks the
    confusion matrix, precision, recall and F1 of each class and its best score threshold, errors by
    kind and what each kind costs, AP by size, and the worst pictures; for other tasks what they
    have of it. The best thresholds of a run on its own validation data are kept with the run, where
    it has none yet, and `predict` draws with them.
    """
    check_data_options(data, images, split)
    looks_closer = out is not None and not out.lower().endswith(".json")
    if out is not None and looks_closer:
        from keras_effspine.analysis.saving import require_figures

        require_figures(out)
    predictor = find_predictor(run, last)

    from keras_effspine.atomic_file import write_file
    from keras_effspine.workflow.evaluation import evaluate as measure

    found = measure(predictor, data, images, split, batch_size, flip, tiles, report=say)
    show(found.parts())
    if out is not None and looks_closer:
        show(found.look.tables())
        say(f"A closer look, with all of its parts beside it: {found.write(out)}")
    elif out is not None:
        text = json.dumps(found.as_json(), indent=2) + "\n"
        write_file(out, lambda file: file.write_text(text))
        say(f"Measurements written to {out}.")
