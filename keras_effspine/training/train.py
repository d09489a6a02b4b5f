"""A training run from a recipe to a measured model."""

import contextlib
import os
import pathlib
import zlib
from collections.abc import Callable, Mapping
from typing import Any, cast

import keras

from keras_effspine.errors import RecipeError, StoppedError
from keras_effspine.optimizers import MovingAverages
from keras_effspine.stream.decoding import ImageDecoder
from keras_effspine.tasks.backbone import build_backbone
from keras_effspine.tasks.class_balance import describe_repeats
from keras_effspine.tasks.registry import find_task
from keras_effspine.training.checkpoint import Checkpoint
from keras_effspine.training.curves import Curves
from keras_effspine.training.freezing import freeze
from keras_effspine.training.measurement import Measurement
from keras_effspine.training.multi_worker import (
    check_agreement,
    lost_workers_as_errors,
    worker_of,
)
from keras_effspine.training.open_values import pick_open_values
from keras_effspine.training.optimizer import build_optimizer, rate_schedule
from keras_effspine.training.precision import check_precision, precision
from keras_effspine.training.preset_values import resolve
from keras_effspine.training.progress import Progress
from keras_effspine.training.recipe import Recipe
from keras_effspine.training.recipe_changes import override
from keras_effspine.training.run_data import load_data
from keras_effspine.training.run_folder import RunFolder
from keras_effspine.training.run_length import count_steps
from keras_effspine.training.steps_taken import steps_taken
from keras_effspine.training.strategy import build_strategy, check_batch
from keras_effspine.training.termination import StopTogether, termination_as_interrupt
from keras_effspine.training.training_loop import measured_steps, train_and_measure


def train(
    recipe: Recipe,
    out: str | os.PathLike,
    report: Callable[[str], None] = print,
    verbose: int | str = "auto",
    floors: Mapping[int, float] | None = None,
) -> tuple[RunFolder, Any]:
    """Trains a model as a recipe says, measures it, and writes a run folder.

    It starts from the weights of the recipe's preset, where this has any, as far as they fit.
    A folder that holds an unfinished run of the same recipe is gone on with: weights, optimizer,
    learning rate, and the place in the stream of pictures are those of its last checkpoint.

    Under the strategy `"multiworker"` each process calls this with the same arguments, on the same
    data and the same folder. The first reports, and writes into the folder; the others read in it.

    Args:
        recipe: `Recipe`.
        out: path of the run folder: new, empty, or with a run of the same recipe.
        report: function that is given each line of text for the user.
        verbose: 0 shows no progress; 1 a line that is kept up to date; 2 a line now and then, for
            log files; `"auto"` is 1 on a terminal, otherwise 2.
        floors: from a step that is measured after to the least value of the task's most telling
            metric there with which the run is worth going on with; it ends below.

    Returns:
        Pair of the `RunFolder` and the last measurement, the result of the task's evaluator.

    Raises:
        StoppedError: if the run was stopped by Ctrl-C or SIGTERM; its state is kept.
        TrainingError: if the loss or a weight is no longer finite.
        EffSpineError: where recipe, data or run folder cannot be used.
    """
    recipe, start = resolve(recipe, out)
    if recipe.strategy == "multiworker":
        report("Waiting for all workers that TF_CONFIG names.")
    strategy = build_strategy(recipe.strategy)
    worker, workers = worker_of(strategy)
    if worker > 0:
        report(f"Worker {worker} of {workers} trains along; worker 0 reports, and writes {out}.")
        report, verbose = (lambda line: None), 0
    check_batch(recipe.batch_size, strategy)
    check_precision(recipe.precision, cast(int, recipe.image_size))
    if start and recipe.backbone and not RunFolder(pathlib.Path(out)).model_file.exists():
        with strategy.scope():
            build_backbone(recipe, start)  # a value that does not fit is said before data are read
    keras.utils.set_random_seed(recipe.seed)
    task = find_task(recipe.task)
    if recipe.tiles is not None and not task.takes_tiles:
        raise RecipeError(f"tiles: {recipe.task} looks at pictures as a whole; leave them out.")
    records, measured, measured_on = load_data(recipe, report)
    task.check(records)
    recipe, reasons = pick_open_values(recipe, len(records.records))
    picked, why = task.pick_options(recipe, records)
    recipe = override(recipe, picked) if picked else recipe
    for reason in (*reasons, *why):
        report(f"picked {reason}")
    repeats = task.repeats(recipe, records)
    if repeats is not None:
        report(f"picked {describe_repeats(repeats)}")
    steps, steps_per_epoch = count_steps(recipe, len(records.records))
    schedule = rate_schedule(recipe.optimization, steps, steps_per_epoch)
    with lost_workers_as_errors(strategy), _claim(out, recipe, records, strategy) as folder:
        check_agreement(strategy, checkpoint=_checksum(folder.model_file))
        with strategy.scope(), precision(recipe.precision):
            model = _build_or_read(task, recipe, start, records.class_names, folder, report)
            optimizer = build_optimizer(recipe.optimization, steps, steps_per_epoch)
            task.compile_model(model, recipe, optimizer)
            task.before_training(model, recipe, records.class_names)
            averages = MovingAverages(model, recipe.optimization.ema)
            getattr(optimizer, "inner_optimizer", optimizer).averages = averages
            done = folder.restore(model, averages)
        model.class_names, model.image_size = records.class_names, recipe.image_size
        check_agreement(strategy, weights=[zlib.crc32(w.tobytes()) for w in model.get_weights()])
        report(
            f"Training {recipe.preset} ({model.count_params():,} parameters) at "
            f"{recipe.image_size} px on {len(records.records)} pictures of "
            f"{len(records.class_names)} classes: {steps} steps of {recipe.batch_size}"
            f"{f', of which {done} are done' if done else ''}."
        )
        checkpoint = Checkpoint(folder, averages)
        checkpoint.set_model(model)
        measurement = Measurement(
            task,
            model,
            averages,
            measured,
            measured_on,
            ImageDecoder(measured),
            recipe,
            folder,
            checkpoint,
            report,
            patient_until=schedule.halved_at(),
            floors=floors,
        )
        measured_at = measured_steps(steps, recipe.evaluations)
        together = StopTogether(strategy) if workers > 1 else None
        try:
            with together.listening() if together else termination_as_interrupt():
                train_and_measure(
                    task,
                    model,
                    records,
                    recipe,
                    measured_at,
                    [Curves(folder), checkpoint, *([together] if together else [])],
                    measurement,
                    Progress(measured_at, recipe.batch_size, verbose, report),
                    report,
                    repeats,
                )
        except KeyboardInterrupt:
            if together and not together.is_agreed:
                raise StoppedError(
                    "Stopped within a step; the same command goes on from the last checkpoint."
                ) from None
            checkpoint.save()
            raise StoppedError(
                f"Stopped at step {steps_taken(model)} of {steps}; the same command "
                "goes on from there."
            ) from None
    return folder, measurement.result


@contextlib.contextmanager
def _claim(out, recipe, records, strategy):
    """The run folder, claimed by the first worker and read by the others."""
    check_agreement(
        strategy,
        recipe=recipe.model_dump(exclude={"data"}),
        number_of_images=len(records.records),
        classes=records.class_names,
    )
    if worker_of(strategy)[0] > 0:
        yield RunFolder(pathlib.Path(out), writes=False)
        return
    with RunFolder.claim(out, recipe, records.class_names) as folder:
        yield folder


def _checksum(file):
    return f"checksum {zlib.crc32(file.read_bytes())}" if file.exists() else "none"


def _build_or_read(task, recipe, start, class_names, folder, report):
    """The model of the run so far, or a new one with the weights that its preset brings."""
    if folder.model_file.exists():
        return folder.read_model()
    model = task.build_model(recipe, class_names, start)
    transfer = start.hand_over(model, class_names)
    frozen = freeze(model, recipe.frozen, transfer, start.name)
    if transfer is None:
        report(f"Weights: random; {start.name} brings none.")
    else:
        report(f"Weights from {start.name}: {transfer}.")
    if frozen:
        report(frozen)
    return model
