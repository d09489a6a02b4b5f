"""The contract between a task and the code that trains, evaluates and predicts."""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from keras_effspine.errors import DataError, ExportError
from keras_effspine.stream.augmentation import Augmentation
from keras_effspine.tasks.class_balance import (
    ClassAmounts,
    pick_class_weights,
    repeat_factors,
)
from keras_effspine.tasks.drawn_result import DrawnResult
from keras_effspine.tasks.exported_outputs import ExportedOutputs, nothing_to_decode
from keras_effspine.tasks.options import TaskOptions
from keras_effspine.topology.labels import COCO_CLASSES

if TYPE_CHECKING:
    import keras
    import numpy as np
    from PIL import Image

    from keras_effspine.analysis.finding import Finding, Grade
    from keras_effspine.data.record import Record, RecordSet
    from keras_effspine.pretrained.pretrained import Pretrained
    from keras_effspine.results.picture import Picture


class Task(abc.ABC):
    """All that the package knows of a task: no other place lists tasks, or asks which one it has.

    An *output* is what the task says of one picture, in the picture's own pixels. It is made from
    the model's predictions, or from a record's annotations, and it is what evaluators count and
    pictures show.

    A new task is a file, or a folder, and a line in `tasks.registry.TASKS`:

    1. `labels`, `check` and `is_annotated`: what it learns from. Where no format reads it yet, a
       record gets a field for it in `data/`, and the decoder makes tensors of it in `stream/`.
    2. `options`: what a recipe may say to it alone. `--set` takes their names. `class_amounts`,
       where they are `BalanceOptions` and the classes are not those of objects.
    3. `build_model` and `compile_model`: a model of `models/`, or any other, on
       `tasks.backbone.build_backbone`; `batch_fields`: the labels that its losses are given.
       `pick_options`, where options follow from the data; `before_training`, where training takes
       more than the model.
    4. `predict` and `outputs`: from the model's predictions to outputs; `truth`: from a record to
       one; `fuse_mirrored` and `merge_tiles`, where looks can be joined. A class for outputs lies
       in `evaluation/`, with the evaluator that `evaluator` makes.
    5. `draw`, and `beside` where more than one picture is written. `reaching`, where predictions
       have scores; `look_closer` and `grade`, for what `evaluate --out FOLDER` shows.
    6. `inspect`, where `effspine data check` is to look at more than objects and classes;
       `published` and `published_classes`, where the paper has numbers.

    `train`, `evaluate`, `predict`, `profile`, `data check` and presets then have it. The smallest
    one is `tests/support/counting_task.py`; `tests/tasks/test_contract.py` takes it through all of
    them. A module of a task loads Keras and TensorFlow in functions, so that data can be looked at
    without them.
    """

    labels: tuple[str, ...] = ("objects",)
    """Names of what the task learns from and is measured by, among `stream.label_reader.LABELS`.
    Data that hold several kinds are read for these; see `data.sources.find_source`."""

    options: type[TaskOptions] = TaskOptions
    """The class of the recipe's `options`."""

    published: str | None = None
    """What the paper's rows call the task (`topology/published.csv`); None where it has none."""

    published_classes = COCO_CLASSES
    """Classes of the models that are counted: those of the paper's tables."""

    exported_output = "output"
    """Name of the output of an exported file, where the model has one."""

    @abc.abstractmethod
    def check(self, record_set: RecordSet) -> None:
        """Raises DataError where a record set has nothing to train this task on."""

    def is_annotated(self, record: Record) -> bool:
        """Whether a record says something of what this task learns; by default, objects."""
        return len(record.boxes) > 0

    def inspect(
        self, record_set: RecordSet, checked: list[tuple[str | None, str | None]], image_size: int
    ) -> Any:
        """Looks through a data set before any training; by default at objects and classes.

        Args:
            record_set: `RecordSet`, with what its loader found wrong.
            checked: list of pairs, what `inspection.image_check.check_images` found.
            image_size: height and width of the network's input in pixels.

        Returns:
            An object with `contents`, a list of one string a picture that equal pictures share,
            None where one cannot be used; `has_errors`; and `tables()`, a list of strings and of
            things that rich can print.
        """
        from keras_effspine.inspection.record_inspection import inspect

        return inspect(record_set, checked, image_size)

    def pick_options(self, recipe: Any, records: RecordSet) -> tuple[dict[str, Any], list[str]]:
        """Options that a recipe leaves to the training data; by default the weights of classes.

        Args:
            recipe: `Recipe`.
            records: `RecordSet` to train on.

        Returns:
            Pair of a dictionary from option to value, and a list of lines that say what was picked.
        """
        if getattr(recipe.options, "class_weights", None) is None:
            return {}, []
        amounts = self.class_amounts(records)
        return pick_class_weights(recipe.options, amounts, records.class_names, records.source)

    def class_amounts(self, records: RecordSet) -> ClassAmounts:
        """How much of which class is on which picture; by default, objects."""
        return ClassAmounts.of_objects(records)

    def repeats(self, recipe: Any, records: RecordSet) -> np.ndarray | None:
        """How often each picture is shown, float `(records,)`; None where all are alike.

        Args:
            recipe: `Recipe`.
            records: `RecordSet` to train on.
        """
        threshold = getattr(recipe.options, "repeat_threshold", None)
        if threshold is None:
            return None
        count, amounts = len(records.records), self.class_amounts(records)
        return repeat_factors(amounts, count, len(records.class_names), threshold)

    @abc.abstractmethod
    def build_model(
        self, recipe: Any, class_names: tuple[str, ...], start: Pretrained
    ) -> keras.Model:
        """Makes the model that a recipe describes, not compiled.

        Args:
            recipe: `Recipe`, whose `options` are of this task's class.
            class_names: tuple of class names.
            start: the `Pretrained` that its preset names. It says the architecture; its weights are
                brought to the model afterwards.

        Returns:
            `keras.Model` on pictures `(batch, height, width, 3)`, RGB in [0, 255].
        """

    @abc.abstractmethod
    def compile_model(
        self, model: keras.Model, recipe: Any, optimizer: keras.optimizers.Optimizer
    ) -> None:
        """Compiles the model with the losses that a recipe names."""

    def before_training(  # noqa: B027 (most tasks need nothing)
        self, model: keras.Model, recipe: Any, class_names: tuple[str, ...]
    ) -> None:
        """Gives a compiled model what training takes beside it, also where a run goes on."""

    def augmentation(self, recipe: Any) -> Augmentation:
        """Changes of the training pictures: the recipe's, and those that are options."""
        options = recipe.options.model_dump(include=set(Augmentation.model_fields))
        return Augmentation(**recipe.augmentation.model_dump(), **options)

    @abc.abstractmethod
    def batch_fields(self, record_set: RecordSet, images_a_sample: int = 1) -> Callable:
        """The task's labels.

        Args:
            record_set: the `RecordSet` to train on, by which shapes are fixed.
            images_a_sample: greatest number of pictures that a sample is made of.

        Returns:
            Function from a sample (`stream.pipeline.training_batches`) to labels of fixed shapes.
        """

    def predict(self, model: keras.Model, images: Any) -> Any:
        """What the model says of a batch, as NumPy arrays: what `outputs` reads.

        Args:
            model: what `build_model` made, trained.
            images: float32 `(batch, height, width, 3)`, or such a batch as distributed to replicas;
                `predict_on_batch` takes both.
        """
        return model.predict_on_batch(images)

    def exported(
        self, model: keras.Model, fused: Any, decode: bool, has_kernel: bool
    ) -> ExportedOutputs:
        """What an exported file computes: what `predict` says, or what runners make that of.

        Args:
            model: what `build_model` made, trained.
            fused: the same as `TaskModel.fuse_for_inference` returns it, of a fixed size.
            decode: whether the graph is to end with what `predict` says.
            has_kernel: whether the format has an operation of its own for suppression.

        Raises:
            ExportError: if there is nothing to decode.
        """
        if decode:
            raise ExportError(nothing_to_decode(type(self).__name__))

        def call(images: Any) -> dict[str, Any]:
            outputs = fused(images, training=False)
            return outputs if isinstance(outputs, dict) else {self.exported_output: outputs}

        return ExportedOutputs(call, {self.exported_output: "as the model gives it"})

    @abc.abstractmethod
    def outputs(self, predictions: Any, scales: np.ndarray, records: Sequence[Record]) -> list:
        """The model's predictions for a batch as outputs.

        Args:
            predictions: what `predict` returned, for these records alone.
            scales: float `(batch, 2)`, pixels of the batch over pixels of the picture along y, x.
            records: the batch's `Record`s.

        Returns:
            List of outputs, one a record.
        """

    def fuse_mirrored(self, output: Any, mirrored: Any, record: Record) -> Any:
        """What was predicted for a picture and for its mirror image, as one output.

        Args:
            output: an output for the picture.
            mirrored: an output for the picture mirrored left to right.
            record: the picture's `Record`.

        Raises:
            DataError: if the task does not know how.
        """
        raise DataError(
            f"{type(self).__name__} does not look at mirrored pictures: leave out --flip, which is "
            "for detection."
        )

    def merge_tiles(self, outputs: list, windows: np.ndarray, record: Record) -> Any:
        """What was predicted for overlapping tiles of a picture, as one output.

        Args:
            outputs: an output for each tile, in pixels of the tile.
            windows: int `(tiles, 4)`, left, top, width, height of each in pixels of the picture:
                of what the picture fills of it. The last may be the whole picture.
            record: the picture's `Record`.

        Raises:
            DataError: if the task does not know how; see `takes_tiles`.
        """
        raise DataError(f"{type(self).__name__} looks at pictures as a whole, not in tiles.")

    @property
    def takes_tiles(self) -> bool:
        """Whether it can join what tiles of a picture show."""
        return type(self).merge_tiles is not Task.merge_tiles

    @abc.abstractmethod
    def truth(self, record: Record) -> Any:
        """A record's annotations as an output."""

    @abc.abstractmethod
    def evaluator(self, record_set: RecordSet) -> Any:
        """Measures outputs against a record set.

        Returns:
            An object with `add(record, output)`; `predictions()`, all outputs as a list that JSON
            can hold, in the task's usual result format; and `result()`, an object with `metrics`, a
            dictionary of floats or None with the most telling one first, of which more is better;
            `tables()`, a list of things that rich can print; and `as_json()`, a dictionary. Where
            outputs have scores the result has `score_thresholds`, too: a dictionary from the name
            of a class to the score from which its predictions are worth showing.
        """

    def look_closer(
        self,
        result: Any,
        record_set: RecordSet,
        pairs: Iterable[tuple[Record, Any]],
        shown: Callable[[Any], Any],
    ) -> list[Finding]:
        """What people ask next of a measurement; by default nothing.

        Args:
            result: what the evaluator's `result` returned.
            record_set: the `RecordSet` that was measured against.
            pairs: pairs of a record and its output, in the order in which they were measured; may
                be gone through more than once.
            shown: function from an output to what of it is shown to people.

        Returns:
            List of `Finding`.
        """
        return []

    def grade(self, record: Record, output: Any, class_names: tuple[str, ...]) -> Grade | None:
        """How well a picture went, by which the worst are found; by default nothing is said.

        Args:
            record: `Record`.
            output: what is shown to people of the output for it.
            class_names: tuple of class names.

        Returns:
            `Grade`, or None where there is nothing to be measured against.
        """
        return None

    @abc.abstractmethod
    def draw(
        self, image: np.ndarray, output: Any, class_names: tuple[str, ...], min_score: float = 0.0
    ) -> np.ndarray:
        """Shows an output on a picture.

        Args:
            image: uint8 `(height, width, 3)`.
            output: an output for it.
            class_names: tuple of class names.
            min_score: what is predicted with a lower score is not shown.

        Returns:
            A new uint8 `(height, width, 3)`.
        """

    def reaching(self, output: Any, scores: np.ndarray) -> Any:
        """What of a prediction has at least the score of its class, as an output; by default all.

        Args:
            output: an output.
            scores: float `(classes,)`; see `evaluation.score_thresholds`.
        """
        return output

    def result(self, output: Any, picture: Picture, class_names: tuple[str, ...] | None) -> Any:
        """An output as an object for programs and notebooks; by default no more than drawn.

        Args:
            output: a predicted output.
            picture: the `Picture` that it is of.
            class_names: tuple of class names, or None.

        Returns:
            A `results.result.Result`, or what has its `plot` and `picture`.
        """
        return DrawnResult(self, output, picture, class_names)

    def best_guesses(self, output: Any) -> Any:
        """What of a prediction is drawn by default, as an output."""
        return output

    def beside(self, output: Any, class_names: tuple[str, ...]) -> dict[str, Image.Image]:
        """Pictures that are written beside a drawn prediction.

        Args:
            output: an output.
            class_names: tuple of class names.

        Returns:
            Dictionary from the ending that the file's name gets, such as `"-labels"`, to a
            `PIL.Image.Image`, written as PNG.
        """
        return {}
