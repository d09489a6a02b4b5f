"""The steps of a run, and the measurements between them."""

from collections.abc import Callable, Sequence
from typing import Protocol

import keras
import numpy as np

from keras_effspine.data.record import RecordSet
from keras_effspine.stream.batch_log import BatchLog
from keras_effspine.stream.decoding import ImageDecoder
from keras_effspine.stream.pipeline import training_batches
from keras_effspine.tasks.task import Task
from keras_effspine.training.checkpoint import FiniteLoss
from keras_effspine.training.history import History
from keras_effspine.training.multi_worker import distribute, worker_of
from keras_effspine.training.progress import Progress
from keras_effspine.training.recipe import Recipe
from keras_effspine.training.steps_taken import steps_taken


class Measuring(Protocol):
    """What the loop asks of a `Measurement`."""

    history: History

    def measure(self) -> None:
        """Measures the model as it is, and adds to the history."""


def train_and_measure(
    task: Task,
    model: keras.Model,
    records: RecordSet,
    recipe: Recipe,
    measured_at: Sequence[int],
    callbacks: Sequence[keras.callbacks.Callback],
    measurement: Measuring,
    progress: Progress,
    report: Callable[[str], None],
    repeats: np.ndarray | None = None,
) -> None:
    """Trains from the step that the model is at, and measures it after some of the steps.

    Args:
        task, model, records, recipe, callbacks, measurement, progress, report: those of the run.
        repeats: how often each picture is shown; see `Task.repeats`.
        measured_at: the steps after which the model is measured, in order; the last ends the run.
    """
    decoder, log = ImageDecoder(records), BatchLog(records)
    strategy = model.distribute_strategy
    # No callback keeps a broken model.
    callbacks = [progress, FiniteLoss(log), *callbacks]
    # The iterator ends with `fit`, or with Python where `fit` is interrupted.
    resting = keras.callbacks.LambdaCallback(on_train_end=lambda _: decoder.calls.wait_until_idle())

    augmentation = task.augmentation(recipe)

    def batches_from(step):
        return training_batches(
            records,
            decoder,
            task.batch_fields(records, augmentation.images_a_sample),
            recipe.image_size,
            recipe.batch_size,
            recipe.seed,
            augmentation,
            first_batch=step,
            shard=worker_of(strategy),
            log=log,
            labels=task.labels,
            steps=measured_at[-1],
            repeats=repeats,
            tile_size=recipe.tiles.size if recipe.tiles else None,
        )

    with progress:
        done = steps_taken(model)
        is_owed = done in measured_at and not measurement.history.holds(done)
        is_over = done >= measured_at[-1] or measurement.history.is_exhausted
        if is_owed or is_over:
            with progress.measuring():
                measurement.measure()
        for until in measured_at:
            step = steps_taken(model)
            if step >= until or measurement.history.is_exhausted:
                continue
            try:
                with decoder.failures_as_data_errors():
                    model.fit(
                        distribute(batches_from(step), strategy),
                        steps_per_epoch=until - step,
                        verbose=0,
                        shuffle=False,  # the data set shuffles
                        callbacks=[*callbacks, resting],
                    )
                with progress.measuring():
                    measurement.measure()
            except BaseException:
                decoder.calls.wait_until_idle()
                raise
    for line in decoder.describe():
        report(f"skipped: {line}")


def measured_steps(steps: int, evaluations: int) -> list[int]:
    """The steps, from 1, after which the model is measured: evenly spread, the last included."""
    return sorted({round(steps * (i + 1) / evaluations) for i in range(evaluations)} - {0})
