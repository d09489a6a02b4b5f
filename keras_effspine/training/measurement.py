"""Measuring a model while it trains."""

from collections.abc import Callable, Mapping
from typing import Any, cast

import keras

from keras_effspine.data.record import RecordSet
from keras_effspine.evaluation.score_thresholds import scores_by_class
from keras_effspine.optimizers import MovingAverages
from keras_effspine.stream.decoding import ImageDecoder
from keras_effspine.tasks.inference import evaluate
from keras_effspine.tasks.showcase import truth_and_prediction
from keras_effspine.tasks.task import Task
from keras_effspine.training.checkpoint import Checkpoint
from keras_effspine.training.history import History
from keras_effspine.training.metrics_file import METRICS_FILE
from keras_effspine.training.recipe import Recipe
from keras_effspine.training.run_folder import RunFolder
from keras_effspine.training.steps_taken import steps_taken


class Measurement:
    """Measures a model, and shows what it predicts.

    After each measurement the run folder holds the model that was measured (`model.keras`), the
    best one so far (`best.keras`), the predictions (`predictions.json`), the best score thresholds
    of both models (`thresholds.json`), pictures of truth and prediction, with these
    (`examples.png`), and the measurements so far (`metrics.json`); TensorBoard gets the
    same numbers and pictures. `metrics.json` comes last: a measurement that it does not name, since
    the run was killed meanwhile, is made again.

    Args:
        task: `Task`.
        model: the task's model.
        averages: its `MovingAverages`, which are what is measured.
        record_set: the `RecordSet` to measure on.
        measured_on: what that set is, for the record: `"validation"` or `"training"`.
        decoder: its `ImageDecoder`.
        recipe: `Recipe`.
        folder: `RunFolder`, whose earlier measurements are gone on with.
        checkpoint: `Checkpoint`.
        report: function that is given one line of text.
        patient_until: step before which the recipe's patience does not count.
        floors: as in `History`.

    Attributes:
        history: `History`.
    """

    IMAGES = 6

    def __init__(
        self,
        task: Task,
        model: keras.Model,
        averages: MovingAverages,
        record_set: RecordSet,
        measured_on: str,
        decoder: ImageDecoder,
        recipe: Recipe,
        folder: RunFolder,
        checkpoint: Checkpoint,
        report: Callable[[str], None],
        patient_until: int = 0,
        floors: Mapping[int, float] | None = None,
    ) -> None:
        self._task = task
        self._model = model
        self._averages = averages
        self._record_set = record_set
        self._measured_on = measured_on
        self._decoder = decoder
        self._recipe = recipe
        self._folder = folder
        self._checkpoint = checkpoint
        self._report = report
        done = folder.metrics
        self.history = History(done.history if done else [], recipe.patience, patient_until, floors)
        self._curves = folder.curves("measured")
        self.result: Any = None

    def measure(self) -> None:
        """Measures the model as it is."""
        self._checkpoint.save()
        pairs = _Sample(len(self._record_set.records), self.IMAGES)
        with self._averages.in_place():
            evaluator = evaluate(
                self._task,
                self._model,
                self._record_set,
                cast(int, self._recipe.image_size),
                self._recipe.batch_size,
                self._decoder,
                observe=pairs,
                tiles=self._recipe.tiles,
            )
        self.result = evaluator.result()
        step = steps_taken(self._model)
        self.history.add(step, self.result.metrics)
        best = self.history.best
        assert best is not None  # this one, if none was before
        if best["step"] == step:
            self._folder.keep_best_model()
        thresholds = getattr(self.result, "score_thresholds", None)
        if thresholds is not None:
            models = ("best", "last") if best["step"] == step else ("last",)
            self._folder.keep_thresholds(thresholds, models)
        scores = scores_by_class(thresholds or {}, self._record_set.class_names)
        shown = [
            (record, self._task.best_guesses(self._task.reaching(output, scores)))
            for record, output in pairs.kept
        ]
        image = truth_and_prediction(self._task, shown, self._record_set.class_names, 0.0)
        self._folder.write_image("examples.png", image)
        self._folder.write_json("predictions.json", evaluator.predictions())
        for name, value in self.result.metrics.items():
            if value is not None:
                self._curves.scalar(name, value, step)
        self._curves.image("examples", image, step)
        self._curves.flush()
        self._folder.write_json(
            METRICS_FILE,
            {
                "measured_on": self._measured_on,
                "source": self._record_set.source,
                "step": step,
                "pictures_that_could_not_be_decoded": self._decoder.describe(),
                "result": self.result.as_json(),
                "best": best,
                "history": self.history.entries,
            },
        )
        name, value = next(iter(self.result.metrics.items()))
        self._report(
            f"step {step}: {name} {'-' if value is None else format(value, '.3f')} "
            f"on the {self._measured_on} pictures"
        )
        if self.history.is_below_floor:
            self._report("Too far behind to be worth going on with: the run ends.")
        elif self.history.is_exhausted:
            self._report(
                f"Not better than at step {best['step']} for {self._recipe.patience} measurements: "
                "the run ends. best.keras is the model of that step."
            )


class _Sample:
    """Keeps some pairs of record and output, spread over the whole set."""

    def __init__(self, count, kept):
        self._every = max(1, count // kept)
        self._seen = 0
        self._most = kept
        self.kept = []

    def __call__(self, record, output):
        if self._seen % self._every == 0 and len(self.kept) < self._most:
            self.kept.append((record, output))
        self._seen += 1
