"""A run folder as an object: `Run`."""

import dataclasses
import functools
import os
import pathlib
from collections.abc import Callable
from typing import Any, Self

from PIL import Image

from keras_effspine.data.record import RecordSet
from keras_effspine.data.tiles import Tiles
from keras_effspine.pretrained.saved_model import load_model
from keras_effspine.rich_parts import RichParts
from keras_effspine.tasks.showcase import truth_and_prediction
from keras_effspine.training.recipe import Recipe
from keras_effspine.training.run_data import load_data, load_validation_data
from keras_effspine.training.run_folder import RunFolder
from keras_effspine.workflow.evaluation import Evaluation, evaluate
from keras_effspine.workflow.load_predictor import load_predictor
from keras_effspine.workflow.predictor import Predictor

_MOST_METRICS = 3


@dataclasses.dataclass(frozen=True, repr=False, eq=False)
class Run(RichParts):
    """A model that was trained, with all that is known of it.

    Args:
        folder: its `RunFolder`.
        result: the last measurement, where it has just been trained; see `Task.evaluator`.
    """

    folder: RunFolder
    result: Any = None

    @classmethod
    def open(cls, path: str | os.PathLike) -> Self:
        """The run of a folder that `train` wrote.

        Raises:
            RunFolderError: if the folder is missing or holds no run.
        """
        return cls(RunFolder.open(path))

    @property
    def path(self) -> pathlib.Path:
        """The run folder."""
        return self.folder.path

    @property
    def recipe(self) -> Recipe:
        """Everything that the run was trained by."""
        return self.folder.recipe

    @property
    def task(self) -> str:
        """Name of the task."""
        return self.recipe.task

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes that the model predicts."""
        return self.folder.class_names

    @property
    def metrics(self) -> dict[str, float | None]:
        """What the best model has reached, the most telling number first; empty before the first
        measurement."""
        measured = self.folder.metrics
        best = {} if measured is None else measured.best
        return {name: value for name, value in best.items() if name != "step"}

    @property
    def history(self) -> list[dict[str, Any]]:
        """All measurements in order: dictionaries of the step and the metrics."""
        measured = self.folder.metrics
        return [] if measured is None else measured.history

    def curves(self) -> Image.Image:
        """Losses and metrics over the steps, drawn.

        Raises:
            MissingPackageError: if matplotlib is not installed.
        """
        from keras_effspine.workflow.curves import draw_curves

        return draw_curves(self.folder)

    @functools.cached_property
    def model(self) -> Any:
        """The best model, as a Keras model that knows its class names; it trains on.

        Its `detect`, `segment` or `classify` answer in the picture's pixels.
        """
        return load_model(self.path)

    @functools.cached_property
    def predictor(self) -> Predictor:
        """The best model as `predict` and `evaluate` use it."""
        return load_predictor(self.path)

    def predict(self, source: Any, **options: Any) -> Any:
        """What the best model says of pictures; see `Predictor.predict`."""
        return self.predictor.predict(source, **options)

    def evaluate(
        self,
        data: Any = None,
        images: str | os.PathLike | None = None,
        split: str | None = None,
        batch_size: int | None = None,
        flip: bool = False,
        tiles: Tiles | int | str | None = None,
        report: Callable[[str], None] = print,
    ) -> Evaluation:
        """Measures the best model, by default on the validation data of the run.

        Args:
            data: name or path of other data, or a `DataSet`, whose validation pictures are taken,
                or its only ones.
            images, split, batch_size, flip, tiles, report: as in `workflow.evaluation.evaluate`.
        """
        return evaluate(self.predictor, data, images, split, batch_size, flip, tiles, report)

    def show(
        self, images: int = 9, columns: int = 3, min_score: float | None = None
    ) -> Image.Image:
        """Truth and prediction, side by side, on some pictures that the run is measured on.

        Args:
            images: greatest number of pictures, spread evenly.
            columns: pairs in a row.
            min_score: score from which objects are shown; None takes the best of their class.

        Returns:
            `PIL.Image.Image`, which a notebook shows.

        Raises:
            ValueError: if no picture is asked for.
        """
        if images < 1 or columns < 1:
            raise ValueError(
                f"`images` and `columns` must be 1 or more. Received: {images}, {columns}"
            )
        records = self._measured_records()
        count = min(images, len(records.records))
        chosen = tuple(records.records[i * len(records.records) // count] for i in range(count))
        few = dataclasses.replace(records, records=chosen)
        found, _ = self.predictor.predictions(few)
        task = self.predictor.task
        pairs = [(record, self.predictor.likely(output, min_score)) for record, output in found]
        drawn = truth_and_prediction(task, pairs, records.class_names, 0.0, columns)
        return Image.fromarray(drawn)

    def _measured_records(self) -> RecordSet:
        def silent(line: str) -> None:
            pass

        recipe = self.recipe
        return load_validation_data(recipe, silent) or load_data(recipe, silent)[0]

    def parts(self) -> list[Any]:
        recipe, measured = self.recipe, self.folder.metrics
        said = [
            f"{self.path}: {recipe.task.replace('_', ' ')} of {len(self.class_names)} classes by "
            f"{recipe.preset} at {recipe.image_size} px."
        ]
        if measured is None:
            return [*said, "It has not been measured yet."]
        numbers = [f"{n} {v:.3f}" for n, v in self.metrics.items() if v is not None]
        said.append(
            f"Best of {len(measured.history)} measurements, after step {measured.best['step']}: "
            f"{', '.join(numbers[:_MOST_METRICS])} on the {measured.measured_on} pictures."
        )
        return said
