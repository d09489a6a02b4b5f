"""Training a supernet, in a run folder, so that it goes on when it was killed."""

import pathlib
from collections.abc import Callable
from typing import Any, cast

import keras

from keras_effspine.errors import SearchError
from keras_effspine.optimizers import MovingAverages
from keras_effspine.searching.sandwich import Sandwich
from keras_effspine.searching.slice_scores import SliceScores
from keras_effspine.searching.space import SearchSpace
from keras_effspine.searching.supernet import build_supernet
from keras_effspine.tasks.registry import find_task
from keras_effspine.training.checkpoint import Checkpoint
from keras_effspine.training.history import History
from keras_effspine.training.open_values import pick_open_values
from keras_effspine.training.optimizer import build_optimizer
from keras_effspine.training.precision import check_precision
from keras_effspine.training.preset_values import resolve_preset
from keras_effspine.training.progress import Progress
from keras_effspine.training.recipe import Recipe
from keras_effspine.training.recipe_changes import override
from keras_effspine.training.run_data import load_data
from keras_effspine.training.run_folder import RunFolder
from keras_effspine.training.run_length import count_steps
from keras_effspine.training.steps_taken import steps_taken
from keras_effspine.training.strategy import build_strategy, check_batch
from keras_effspine.training.training_loop import measured_steps, train_and_measure

TRAINED = "trained.json"
"""Says in the run folder that the training has ended."""


def train_supernet(
    recipe: Recipe, space: SearchSpace, folder: pathlib.Path, report: Callable[[str], None]
) -> None:
    """Trains the network of a recipe that holds all candidates; see `Sandwich`.

    Args:
        recipe: `Recipe` in full; its length is that of this training.
        space: `SearchSpace` of the candidates.
        folder: path of the run folder: new, or with the same training, which goes on.
        report: function that is given each line of text for the user.

    Raises:
        SearchError: if there are several devices, or weights cannot be shared.
        KeyboardInterrupt: if it was interrupted; its state is kept.
        TrainingError: if the loss or a weight is no longer finite.
        EffSpineError: where recipe, data or folder cannot be used.
    """
    recipe, start = resolve_preset(recipe)
    strategy = build_strategy(recipe.strategy)
    if strategy.num_replicas_in_sync > 1:
        raise SearchError(
            f"A supernet trains on one device, not on {strategy.num_replicas_in_sync}: --set "
            "strategy=cpu, or strategy=gpu."
        )
    check_batch(recipe.batch_size, strategy)
    check_precision(recipe.precision, cast(int, recipe.image_size))
    keras.utils.set_random_seed(recipe.seed)
    task = find_task(recipe.task)
    records, measured, _ = load_data(recipe, lambda line: None)
    task.check(records)
    recipe, reasons = pick_open_values(recipe, len(records.records))
    picked, why = task.pick_options(recipe, records)
    recipe = override(recipe, picked) if picked else recipe
    steps, steps_per_epoch = count_steps(recipe, len(records.records))
    with RunFolder.claim(folder, recipe, records.class_names) as run:
        with strategy.scope():
            model = build_supernet(recipe, records.class_names, start, space.choices)
            task.compile_model(
                model, recipe, build_optimizer(recipe.optimization, steps, steps_per_epoch)
            )
            task.before_training(model, recipe, records.class_names)
            averages = MovingAverages(model, recipe.optimization.ema)
            optimizer = model.optimizer
            getattr(optimizer, "inner_optimizer", optimizer).averages = averages
            done = run.restore(model, averages)
        for reason in (*reasons, *why):
            report(f"picked {reason}")
        report(
            f"Training one network that holds all candidates ({model.count_params():,} "
            f"parameters): {steps} steps of {recipe.batch_size}"
            f"{f', of which {done} are done' if done else ''}."
        )
        checkpoint = Checkpoint(run, averages)
        checkpoint.set_model(model)
        measured_at = measured_steps(steps, recipe.evaluations)
        try:
            train_and_measure(
                task,
                model,
                records,
                recipe,
                measured_at,
                [Sandwich(model, space, recipe.seed), checkpoint],
                _Watch(model, averages, checkpoint, space, report, records, measured, recipe),
                Progress(measured_at, recipe.batch_size, "auto", report),
                report,
                task.repeats(recipe, records),
            )
        except KeyboardInterrupt:
            checkpoint.save()
            report(f"The network of all candidates is kept as it is at step {steps_taken(model)}.")
            raise
        run.write_json(TRAINED, {"steps": steps})


class _Watch:
    """Says now and then what the network of the preset's own distribution is worth."""

    def __init__(
        self,
        model: Any,
        averages: MovingAverages,
        checkpoint: Checkpoint,
        space: SearchSpace,
        report: Callable[[str], None],
        *of_scores: Any,
    ) -> None:
        self._model, self._averages, self._checkpoint = model, averages, checkpoint
        self._scores, self._space, self._report = SliceScores(model, *of_scores), space, report
        self.history = History([], None)

    def measure(self) -> None:
        self._checkpoint.save()
        with self._averages.in_place():
            result = self._scores.result(self._space.widths(self._space.spec.betas), 0)
        step = steps_taken(self._model)
        self.history.add(step, result.metrics)
        name, value = next(iter(result.metrics.items()))
        self._report(
            f"step {step}: {name} {'-' if value is None else format(value, '.3f')} with the "
            "preset's own distribution"
        )
