"""`effspine train`."""

from typing import Annotated, Any

import typer

from keras_effspine.cli.console import say, show
from keras_effspine.cli.options import (
    BatchSize,
    Data,
    Images,
    Split,
    ValData,
    ValImages,
    ValSplit,
    check_data_options,
)
from keras_effspine.cli.quiet_start import load_tensorflow
from keras_effspine.tasks.registry import TASKS
from keras_effspine.training.recipes import recipe_names


def train(
    out: Annotated[
        str,
        typer.Option(help="Run folder: new, empty, or with a run of this recipe to go on with."),
    ],
    preset: Annotated[
        str | None,
        typer.Option(
            help="What to start from: a preset (see `effspine presets`), a preset folder, or a run "
            "folder. Weights are loaded as far as they fit."
        ),
    ] = None,
    task: Annotated[str | None, typer.Option(help=f"What to learn: {', '.join(TASKS)}.")] = None,
    recipe: Annotated[
        str, typer.Option(help=f"Recipe to start from: {', '.join(recipe_names())}.")
    ] = "from_scratch",
    data: Data = None,
    images: Images = None,
    split: Split = None,
    val_data: ValData = None,
    val_images: ValImages = None,
    val_split: ValSplit = None,
    steps: Annotated[int | None, typer.Option(help="Training steps.", min=1)] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the pictures.", min=1)] = None,
    batch_size: BatchSize = None,
    image_size: Annotated[
        int | None, typer.Option(help="Height and width of the input in pixels.", min=32)
    ] = None,
    tiles: Annotated[
        str | None,
        typer.Option(
            help="Learn from parts of large pictures of this side in pixels, at full resolution "
            "where it is the image size: 640, or 640:0.25 with the overlap of tiles when measured."
        ),
    ] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Peak learning rate.")] = None,
    scale_jitter: Annotated[
        tuple[float, float] | None,
        typer.Option(help="Least and greatest scale of a picture, 1 where it fits the input."),
    ] = None,
    flip: Annotated[
        bool | None, typer.Option(help="Mirror pictures left to right at random.")
    ] = None,
    vertical_flip: Annotated[
        bool | None, typer.Option(help="Mirror them top to bottom: where there is no up.")
    ] = None,
    quarter_turns: Annotated[
        bool | None, typer.Option(help="Turn them by quarters: where there is no up.")
    ] = None,
    mosaic: Annotated[
        float | None, typer.Option(help="Share of samples made of four pictures, 0 to 1.")
    ] = None,
    photometric: Annotated[
        float | None,
        typer.Option(help="Strength of changes of brightness, contrast, saturation, 0 to 1."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of all randomness.", min=0)] = None,
    strategy: Annotated[
        str | None,
        typer.Option(help="Devices: auto, cpu, gpu, mirrored, multiworker, tpu or tpu:NAME."),
    ] = None,
    precision: Annotated[
        str | None, typer.Option(help="float32, bfloat16 or float16; weights stay float32.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Any other value of the recipe, as optimization.momentum=0.8; may be repeated.",
        ),
    ] = None,
) -> None:
    """Train a model, measure it, and keep both in a run folder.

    A run that was stopped goes on where its last checkpoint stands when its command is repeated.

    The run folder holds the model (model.keras), the best one so far (best.keras), the recipe in
    full and the class names (run.json), the measurements (metrics.json) and the predictions they
    were made from (predictions.json), the best score threshold of each class (thresholds.json),
    pictures of truth and prediction (examples.png), and TensorBoard logs (tensorboard/).
    """
    load_tensorflow()

    from keras_effspine.data.tiles import Tiles
    from keras_effspine.training.recipe_changes import parse_setting
    from keras_effspine.workflow.train import train_with

    options = {
        "preset": preset,
        "task": task,
        "images": images,
        "split": split,
        "val_data": val_data,
        "val_images": val_images,
        "val_split": val_split,
        "steps": steps,
        "epochs": epochs,
        "batch_size": batch_size,
        "image_size": image_size,
        "tiles": None if tiles is None else Tiles.from_text(tiles),
        "learning_rate": learning_rate,
        "scale_jitter": scale_jitter,
        "flip": flip,
        "vertical_flip": vertical_flip,
        "quarter_turns": quarter_turns,
        "mosaic": mosaic,
        "photometric": photometric,
        "seed": seed,
        "strategy": strategy,
        "precision": precision,
    }
    if data is not None:
        check_data_options(data, images, split)
    values: dict[str, Any] = {k: value for k, value in options.items() if value is not None}
    values |= dict(parse_setting(setting) for setting in settings or ())
    run = train_with(values, data, recipe, out, report=say)
    if not run.folder.writes:  # another worker writes and reports
        return
    show(run.result.tables())
    measured = run.folder.metrics
    assert measured is not None  # what was just written
    best = measured.best["step"]
    if best != measured.step:
        say(f"Measured is the last model, of step {measured.step}; best.keras is step {best}'s.")
    say(f"Model, measurements and pictures are in {run.path}; see {run.path}/examples.png.")
