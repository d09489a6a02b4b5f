"""A training run from a recipe to a measured model."""

import math

import keras

from keras_effspine.data.batch_log import BatchLog
from keras_effspine.data.checks import describe_problems
from keras_effspine.data.class_alignment import align_classes
from keras_effspine.data.decoding import PictureDecoder
from keras_effspine.data.pipeline import training_batches
from keras_effspine.data.sources import describe_records, load_records, read_validation_records
from keras_effspine.errors import StoppedError
from keras_effspine.tasks.registry import find_task
from keras_effspine.training.checkpoint import Checkpoint, FiniteLoss
from keras_effspine.training.curves import Curves
from keras_effspine.training.measurement import Measurement
from keras_effspine.training.optimizer import build_optimizer
from keras_effspine.training.pick import pick_open_values
from keras_effspine.training.precision import check_precision, precision
from keras_effspine.training.recipe import resolve_image_size, resolve_paths
from keras_effspine.training.run_folder import RunFolder
from keras_effspine.training.steps_taken import steps_taken
from keras_effspine.training.strategy import build_strategy, check_batch
from keras_effspine.training.termination import termination_as_interrupt

SHORTEST_EPOCH = 20
"""Steps. Each epoch costs a line of output and the end of the stream that was prepared."""


def train(recipe, out, report=print, verbose="auto"):
    """Trains a model as a recipe says, measures it, and writes a run folder.

    A folder that holds an unfinished run of the same recipe is gone on with: weights, optimizer,
    learning rate, and the place in the stream of pictures are those of its last checkpoint.

    Args:
        recipe: `Recipe`.
        out: path of the run folder: new, empty, or with a run of the same recipe.
        report: function that is given each line of text for the user.
        verbose: as in `keras.Model.fit`.

    Returns:
        Pair of the `RunFolder` and the last measurement, the result of the task's evaluator.

    Raises:
        StoppedError: if the run was stopped by Ctrl-C or SIGTERM; its state is kept.
        TrainingError: if the loss or a weight is no longer finite.
        EffSpineError: where recipe, data or run folder cannot be used.
    """
    recipe = resolve_image_size(resolve_paths(recipe))
    strategy = build_strategy(recipe.strategy)
    check_batch(recipe.batch_size, strategy)
    check_precision(recipe.precision, recipe.image_size)
    keras.utils.set_random_seed(recipe.seed)
    task = find_task(recipe.task)
    records, measured, measured_on = load_data(recipe, report)
    task.check(records)
    recipe, reasons = pick_open_values(recipe, len(records.records))
    for reason in reasons:
        report(f"picked {reason}")
    steps, epochs = split_into_epochs(recipe, len(records.records))
    with RunFolder.claim(out, recipe, records.class_names) as folder:
        with strategy.scope(), precision(recipe.precision):
            model = task.build_model(recipe, records.class_names)
            optimizer = build_optimizer(recipe.optimization, steps, steps // epochs)
            task.compile_model(model, recipe, optimizer)
            done = folder.restore(model)
        report(
            f"Training {recipe.preset} ({model.count_params():,} parameters) at "
            f"{recipe.image_size} px on {len(records.records)} pictures of "
            f"{len(records.class_names)} classes: {steps} steps of {recipe.batch_size}"
            f"{f', of which {done} are done' if done else ''}."
        )
        checkpoint = Checkpoint(folder)
        measurement = Measurement(
            task,
            measured,
            measured_on,
            PictureDecoder(measured),
            recipe,
            folder,
            checkpoint,
            measured_epochs(epochs, recipe.evaluations),
            report,
        )
        for callback in (checkpoint, measurement):
            callback.set_model(model)
        try:
            with termination_as_interrupt():
                measurement.catch_up(done * epochs / steps)
                _fit(
                    task,
                    model,
                    records,
                    recipe,
                    remaining_fits(done, steps, epochs),
                    [Curves(folder), checkpoint],
                    measurement,
                    report,
                    verbose,
                )
        except KeyboardInterrupt:
            checkpoint.save()
            raise StoppedError(
                f"Stopped at step {steps_taken(model)} of {steps}; the same command "
                "goes on from there."
            ) from None
        if measurement.result is None:  # the run was complete before
            measurement.measure()
    return folder, measurement.result


def _fit(task, model, records, recipe, fits, callbacks, measurement, report, verbose):
    decoder, log = PictureDecoder(records), BatchLog(records)
    for first_step, steps_per_epoch, initial_epoch, epochs in fits:
        if measurement.is_exhausted:
            break
        batches = training_batches(
            records,
            decoder,
            task.batch_fields(records, recipe.augmentation.pictures_a_sample),
            recipe.image_size,
            recipe.batch_size,
            recipe.seed,
            recipe.augmentation,
            first_batch=first_step,
            log=log,
        )
        with decoder.failures_as_data_errors():
            with model.distribute_strategy.scope():
                _make_variables(model, batches)
            model.fit(
                batches,
                steps_per_epoch=steps_per_epoch,
                initial_epoch=initial_epoch,
                epochs=epochs,
                verbose=verbose,
                shuffle=False,  # the data set shuffles
                # The bar ends its line before others write theirs, and no callback keeps or
                # measures a broken model.
                callbacks=[
                    keras.callbacks.ProgbarLogger(),
                    FiniteLoss(log),
                    *callbacks,
                    measurement,
                ],
            )
    for line in decoder.describe():
        report(f"skipped: {line}")


def _make_variables(model, batches):
    """Makes the variables of the optimizer and of the losses.

    If the first step had to make them, TensorFlow would trace it twice, which takes a minute.
    """
    model.optimizer.build(model.trainable_variables)
    pictures, labels = next(iter(batches))
    model.compute_loss(x=pictures, y=labels, y_pred=model(pictures))


def load_data(recipe, report):
    """The training pictures, and those that the model is measured on.

    Returns:
        Tuple of two `RecordSet`s with the same classes and what the second one is:
        `"validation"`, or `"training"` where the recipe names no validation data.
    """
    data = recipe.data
    labels = find_task(recipe.task).labels
    records = load_records(data.data, data.images, data.split, labels)
    _report_records(records, report)
    measured = load_validation_data(recipe, report)
    if measured is None:
        report("No validation data named: the model is measured on the pictures it trains on.")
        return records, records, "training"
    return records, align_classes(measured, records.class_names), "validation"


def load_validation_data(recipe, report):
    """The `RecordSet` of a recipe's validation data; None where it names none."""
    data = recipe.data
    measured = read_validation_records(
        data.data,
        data.images,
        data.split,
        data.val_data,
        data.val_images,
        data.val_split,
        labels=find_task(recipe.task).labels,
    )
    if measured is not None:
        _report_records(measured, report)
    return measured


def _report_records(record_set, report):
    report(describe_records(record_set))
    for line in describe_problems(record_set):
        report(line)


def split_into_epochs(recipe, pictures):
    """Total steps, and the number of equal epochs in which Keras counts them.

    Where the recipe names steps, the epochs are as near as can be to one pass over the pictures
    each, or to `SHORTEST_EPOCH` steps where a pass is shorter, but enough for all measurements.
    """
    pass_length = max(1, pictures // recipe.batch_size)
    if recipe.epochs is not None:
        return recipe.epochs * pass_length, recipe.epochs
    wanted = max(recipe.steps / max(pass_length, SHORTEST_EPOCH), recipe.evaluations)
    divisors = [n for n in range(1, recipe.steps + 1) if recipe.steps % n == 0]
    return recipe.steps, min(divisors, key=lambda n: abs(math.log(n / wanted)))


def measured_epochs(epochs, evaluations):
    """The epochs, from 1, after which the model is measured: evenly spread, the last included."""
    return {round(epochs * (i + 1) / evaluations) for i in range(evaluations)} - {0} | {epochs}


def remaining_fits(done, steps, epochs):
    """What `fit` has to be called with after some of the steps.

    Keras counts whole epochs, so a run that stopped within one ends that one first.

    Args:
        done: number of steps that were taken.
        steps: number of all steps.
        epochs: number of equal epochs that they are counted in.

    Returns:
        List of tuples: steps taken before, steps in an epoch, first epoch, and epoch to stop at.
    """
    if done >= steps:
        return []
    steps_per_epoch = steps // epochs
    epoch, within = divmod(done, steps_per_epoch)
    fits = []
    if within:
        fits.append((done, steps_per_epoch - within, epoch, epoch + 1))
        epoch += 1
    if epoch < epochs:
        fits.append((epoch * steps_per_epoch, steps_per_epoch, epoch, epochs))
    return fits
