"""Classification of whole pictures with ImageClassifier."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from keras_effspine.analysis.classification_findings import classification_findings, grade_classes
from keras_effspine.analysis.finding import Finding, Grade
from keras_effspine.data.record_columns import image_labels
from keras_effspine.drawing.zoom import draw_class, enlarged
from keras_effspine.errors import DataError, RecipeError
from keras_effspine.evaluation.classification import (
    Classes,
    ClassificationEvaluator,
    ClassificationResult,
)
from keras_effspine.results.class_probabilities import ClassProbabilities
from keras_effspine.stream.augmentation import Changes, Magnitude, Share
from keras_effspine.tasks.class_balance import BalanceOptions, ClassAmounts, class_weights_of
from keras_effspine.tasks.options import Rate
from keras_effspine.tasks.task import Task
from keras_effspine.topology.labels import IMAGENET_CLASSES

if TYPE_CHECKING:
    import keras

    from keras_effspine.data.record import Record, RecordSet
    from keras_effspine.pretrained.pretrained import Pretrained
    from keras_effspine.results.picture import Picture

_KEPT = 5


class ClassificationOptions(BalanceOptions):
    """Classification's own values of a recipe, beside those of `BalanceOptions`.

    Args:
        classifier_backbone: `"paper"`, endpoints of 256 without space-to-depth, or `"detection"`,
            the preset as it is, so that a detector can take it over; None takes the paper's, unless
            the preset brings weights. SpineNets are always as they are.
        pooling: what the linear layer reads: `"avg"`, `"max"` or `"pyramid"`, see
            `ImageClassifier`; None takes that of the weights, or the average.
        teacher: a trained classifier of the same classes, a run or a preset, whose answers are a
            part of the labels (distillation); see `ImageClassifier.learn_from`.
        teacher_share: the part.
        label_smoothing: share of the label that is spread over all classes.
        dropout_rate: dropout of the pooled features.
        rand_augment: pair of the number of RandAugment's changes a picture and of their magnitude,
            from 0 to 10; (0, 0) for none. See `stream.rand_augment`.
    """

    classifier_backbone: Literal["paper", "detection"] | None = None
    pooling: Literal["avg", "max", "pyramid"] | None = None
    teacher: str | None = None
    teacher_share: Share = 0.5
    label_smoothing: Rate = 0.0
    dropout_rate: Rate = 0.0
    rand_augment: tuple[Changes, Magnitude] = (0, 0)


class Classification(Task):
    """The class of a picture."""

    labels = ("image",)
    options = ClassificationOptions
    published = "classification"
    published_classes = IMAGENET_CLASSES
    exported_output = "scores"

    def check(self, record_set: RecordSet) -> None:
        labels = image_labels(record_set.records)
        missing = np.flatnonzero(labels < 0)
        if len(missing):
            record = record_set.records[int(missing[0])]
            raise DataError(
                f"{record_set.source}: {len(missing)} pictures have no class to learn, such as "
                f"{record.path}, image {record.image_id}. Classification takes a folder for each "
                "class, TFDS with 'image' and 'label', or TFRecords with a classes.txt."
            )
        found = np.unique(labels)
        if len(found) == 1:
            raise DataError(
                f"{record_set.source}: all pictures are of the class "
                f"{record_set.class_names[found[0]]}: there is nothing to tell apart. Add pictures "
                "of another class."
            )

    def is_annotated(self, record: Record) -> bool:
        return record.image_label is not None

    def build_model(
        self, recipe: Any, class_names: tuple[str, ...], start: Pretrained
    ) -> keras.Model:
        from keras_effspine.models.eff_spinenet_backbone import EffSpineNetBackbone
        from keras_effspine.models.image_classifier import ImageClassifier
        from keras_effspine.tasks.backbone import build_backbone

        has_weights = start.weights is not None
        options = cast(ClassificationOptions, recipe.options)
        kind = options.classifier_backbone or ("detection" if has_weights else "paper")
        is_of_paper = kind == "paper" and issubclass(start.backbone()[0], EffSpineNetBackbone)
        changes = ImageClassifier.paper_backbone if is_of_paper else {}
        return ImageClassifier(
            build_backbone(recipe, start, **changes),
            num_classes=len(class_names),
            pooling=options.pooling or start.arguments_of(ImageClassifier).get("pooling", "avg"),
            dropout_rate=options.dropout_rate,
        )

    def compile_model(
        self, model: keras.Model, recipe: Any, optimizer: keras.optimizers.Optimizer
    ) -> None:
        import keras

        from keras_effspine.models.class_weighted_loss import ClassWeightedCrossentropy

        options = cast(ClassificationOptions, recipe.options)
        smoothing, weights = options.label_smoothing, class_weights_of(options)
        model.compile(
            optimizer=optimizer,
            loss=keras.losses.CategoricalCrossentropy(label_smoothing=smoothing)
            if weights is None
            else ClassWeightedCrossentropy(weights, label_smoothing=smoothing),
            metrics=["accuracy"],
            jit_compile=False,
        )

    def before_training(
        self, model: keras.Model, recipe: Any, class_names: tuple[str, ...]
    ) -> None:
        from keras_effspine.pretrained.find_trained import find_trained
        from keras_effspine.pretrained.transfer import some_of

        options = cast(ClassificationOptions, recipe.options)
        if options.teacher is None:
            return
        teacher = find_trained(options.teacher)
        if teacher.class_names != tuple(class_names):
            raise RecipeError(
                f"teacher: {teacher.name} knows the classes "
                f"{some_of(cast(tuple, teacher.class_names))}, not those of the data, "
                f"{some_of(class_names)}, in this order. Name a classifier that was trained on "
                "data with the same classes."
            )
        model.learn_from(teacher.read_model(), options.teacher_share)

    def class_amounts(self, records: RecordSet) -> ClassAmounts:
        """As in `Task`, in pictures."""
        labels = image_labels(records.records)
        known = np.flatnonzero(labels >= 0)
        return ClassAmounts(known, labels[known], np.ones(len(known), int))

    def batch_fields(self, record_set: RecordSet, images_a_sample: int = 1) -> Callable:
        import tensorflow as tf

        count = len(record_set.class_names)
        return lambda sample: tf.one_hot(sample["label"], count)

    def outputs(
        self, predictions: np.ndarray, scales: np.ndarray, records: Sequence[Record]
    ) -> list[Classes]:
        outputs = []
        for scores in predictions[: len(records)].astype("float64"):
            classes = np.argsort(-scores, kind="stable")[:_KEPT]
            outputs.append(Classes(classes, scores[classes]))
        return outputs

    def truth(self, record: Record) -> Classes:
        known = [] if record.image_label is None else [record.image_label]
        return Classes(np.array(known, "int64"))

    def evaluator(self, record_set: RecordSet) -> ClassificationEvaluator:
        return ClassificationEvaluator(record_set)

    def look_closer(
        self,
        result: ClassificationResult,
        record_set: RecordSet,
        pairs: Iterable[tuple[Record, Classes]],
        shown: Callable[[Classes], Classes],
    ) -> list[Finding]:
        return classification_findings(record_set, pairs)

    def grade(self, record: Record, output: Classes, class_names: tuple[str, ...]) -> Grade | None:
        return grade_classes(record, output, class_names)

    def result(
        self, output: Classes, picture: Picture, class_names: tuple[str, ...] | None
    ) -> ClassProbabilities:
        assert output.scores is not None  # a prediction has them
        return ClassProbabilities(picture, class_names, output.classes, output.scores)

    def draw(
        self,
        image: np.ndarray,
        output: Classes,
        class_names: tuple[str, ...],
        min_score: float = 0.0,
    ) -> np.ndarray:
        """As in `Task`; the most probable class is the answer, so that it is shown at any score."""
        if not len(output.classes):
            return enlarged(image)
        score = None if output.scores is None else output.scores[0]
        return draw_class(image, output.classes[0], class_names, score)
