"""Classification of whole pictures with ImageClassifier."""

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from keras_effspine.data.record_columns import image_labels
from keras_effspine.drawing.zoom import draw_class, enlarged
from keras_effspine.errors import DataError
from keras_effspine.evaluation.classification import ClassificationEvaluator
from keras_effspine.models.image_classifier import ImageClassifier
from keras_effspine.tasks.backbone import build_backbone
from keras_effspine.tasks.task import Task

_KEPT = 5


@dataclasses.dataclass(frozen=True, eq=False)
class Classes:
    """Classification's output for one picture.

    Args:
        classes: int `(n,)`, class indices: up to five that are predicted, the most probable first,
            or the one that is annotated, if any.
        scores: float `(n,)`, probabilities; None for annotations.
    """

    classes: np.ndarray
    scores: np.ndarray | None = None


class Classification(Task):
    """The class of a picture."""

    labels = ("image",)
    values = (
        "classifier_backbone",
        "label_smoothing",
        "dropout_rate",
        "augmentation.rand_augment",
    )

    def check(self, record_set):
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

    def build_model(self, recipe, class_names, start):
        has_weights = start.weights is not None
        kind = recipe.classifier_backbone or ("detection" if has_weights else "paper")
        changes = ImageClassifier.paper_backbone if kind == "paper" else {}
        return ImageClassifier(
            build_backbone(recipe, start, **changes),
            num_classes=len(class_names),
            pooling=start.arguments_of(ImageClassifier).get("pooling", "avg"),
            dropout_rate=recipe.dropout_rate,
        )

    def compile_model(self, model, recipe, optimizer):
        model.compile(
            optimizer=optimizer,
            loss=keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing),
            metrics=["accuracy"],
            jit_compile=False,
        )

    def batch_fields(self, record_set, images_a_sample=1):
        count = len(record_set.class_names)
        return lambda sample: tf.one_hot(sample["label"], count)

    def outputs(self, predictions, scales, records):
        outputs = []
        for scores in predictions[: len(records)].astype("float64"):
            classes = np.argsort(-scores, kind="stable")[:_KEPT]
            outputs.append(Classes(classes, scores[classes]))
        return outputs

    def truth(self, record):
        known = [] if record.image_label is None else [record.image_label]
        return Classes(np.array(known, "int64"))

    def evaluator(self, record_set):
        return _Evaluator(ClassificationEvaluator(record_set))

    def draw(self, image, output, class_names, min_score=0.0):
        """As in `Task`; the most probable class is the answer, so that it is shown at any score."""
        if not len(output.classes):
            return enlarged(image)
        score = None if output.scores is None else output.scores[0]
        return draw_class(image, output.classes[0], class_names, score)


@dataclasses.dataclass(frozen=True)
class _Evaluator:
    measured: ClassificationEvaluator

    def add(self, record, output):
        self.measured.add(record, output.classes, output.scores)

    def predictions(self):
        return self.measured.predictions()

    def result(self):
        return self.measured.result()
