"""An image classifier on the average of a backbone's endpoints."""

import os
from collections.abc import Callable, Sequence
from typing import Any, Self

import keras
import keras_cv
import numpy as np
from keras import ops

from keras_effspine.layers.dropout import Dropout
from keras_effspine.models.arguments import (
    refuse_unknown_arguments,
    require_at_least,
    single_map,
)
from keras_effspine.models.batch_checks import check_class_labels
from keras_effspine.models.eff_spinenet_backbone import EffSpineNetBackbone
from keras_effspine.models.picture_results import ClassResults
from keras_effspine.models.pyramid_levels import pyramid_levels
from keras_effspine.models.task_model import TaskModel
from keras_effspine.pretrained.shipped import BACKBONES
from keras_effspine.topology import eff_spinenet
from keras_effspine.topology.labels import IMAGENET_CLASSES

_POOLING = {
    "avg": keras.layers.GlobalAveragePooling2D,
    "max": keras.layers.GlobalMaxPooling2D,
}


@keras.saving.register_keras_serializable(package="keras_effspine")
class ImageClassifier(ClassResults, TaskModel, keras_cv.models.ImageClassifier):
    """Global pooling of the backbone's output and a linear layer.

    It takes the arguments of `keras_cv.models.ImageClassifier`. The output of
    `EffSpineNetBackbone` is the average of the endpoints P3 to P7 at P3, so that with it this is
    the classifier of 4.2 of [arXiv:2010.11426](https://arxiv.org/abs/2010.11426). Pooling and the
    linear layer compute in float32 under any precision.

    Args:
        backbone: model with one output `(batch, height, width, channels)`.
        num_classes: int.
        pooling: `"avg"` or `"max"` of the output; or `"pyramid"`, the averages of P3 to P7 side by
            side, with which a narrow pyramid tells many classes apart.
        activation: of the linear layer; None gives logits.
        dropout_rate: float in [0, 1), of the pooled features, in training alone.
        **kwargs: `name` and `trainable`.

    Raises:
        ValueError: if an argument is out of range.

    Example:

    ```python
    model = keras_effspine.ImageClassifier.from_preset("m0", num_classes=10)
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    images = np.random.uniform(0, 255, (2, 128, 128, 3))
    model.fit(images, np.array([3, 7]))
    model.predict(images)  # probabilities (2, 10)
    ```
    """

    preset_classes = BACKBONES
    preset_task = "classification"
    paper_backbone = eff_spinenet.CLASSIFIER
    config_arguments = ("backbone", "num_classes", "pooling", "activation", "dropout_rate")
    class_prediction_layers = ("predictions",)

    def __init__(
        self,
        backbone: keras.Model,
        num_classes: int,
        pooling: str = "avg",
        activation: str | Callable | None = "softmax",
        dropout_rate: float = 0.0,
        **kwargs: Any,
    ) -> None:
        refuse_unknown_arguments(ImageClassifier, kwargs)
        require_at_least("num_classes", num_classes)
        if pooling not in (*_POOLING, "pyramid"):
            raise ValueError(
                f"`pooling` must be 'avg', 'max' or 'pyramid'. Received: pooling={pooling!r}"
            )
        if not 0 <= dropout_rate < 1:
            raise ValueError(
                f"`dropout_rate` must lie in [0, 1). Received: dropout_rate={dropout_rate}"
            )
        if pooling == "pyramid":
            x = _pool_each_level(backbone)
        else:
            x = _POOLING[pooling](dtype="float32", name=f"{pooling}_pool")(single_map(backbone))
        if dropout_rate:
            x = Dropout(dropout_rate, dtype="float32", name="dropout")(x)
        outputs = keras.layers.Dense(
            num_classes, activation=activation, dtype="float32", name="predictions"
        )(x)
        super().__init__(backbone, outputs, **kwargs)
        self._labels_with_teacher: Callable | None = None
        self.num_classes = num_classes
        self.pooling = pooling
        self.activation = activation
        self.dropout_rate = dropout_rate

    def learn_from(self, teacher: keras.Model, share: float = 0.5) -> None:
        """Lets the labels of training be those of the data and of a trained classifier, mixed.

        That is distillation (arXiv:1503.02531) at temperature 1: the loss of the mixed labels is
        that of the data's and that of the teacher's, in this proportion. The teacher sees the same
        augmented images, keeps its weights, and is no part of this model's files: a model that is
        loaded has no teacher.

        Args:
            teacher: classifier of the same classes that gives probabilities `(batch, num_classes)`.
            share: of the teacher in the labels, from 0 to 1. The labels of the data must be
                one-hot, `(batch, num_classes)`.

        Raises:
            ValueError: if the teacher's output has another shape, or the share is out of range.
        """
        if teacher.output_shape != self.output_shape:
            raise ValueError(
                f"`teacher` must have outputs of the shape {self.output_shape}. "
                f"Received: {teacher.output_shape}"
            )
        if not 0 <= share <= 1:
            raise ValueError(f"`share` must lie in [0, 1]. Received: share={share}")

        def mixed(images: Any, labels: Any) -> Any:
            if len(labels.shape) != 2 or labels.shape[1] != self.num_classes:
                raise ValueError(
                    "A model with a teacher learns from one-hot labels (batch, num_classes). "
                    f"Received: labels of the shape {tuple(labels.shape)}"
                )
            taught = ops.stop_gradient(teacher(images, training=False))
            return (1.0 - share) * ops.cast(labels, taught.dtype) + share * taught

        self._labels_with_teacher = mixed  # a function, so that Keras does not save the teacher

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        if training and self._labels_with_teacher is not None:
            y = self._labels_with_teacher(x, y)
        return keras.Model.compute_loss(self, x, y, y_pred, sample_weight, training)

    def check_labels(self, labels: np.ndarray, image_shape: Sequence[int]) -> None:
        check_class_labels(labels, self.num_classes)

    @classmethod
    def from_preset(
        cls,
        preset: str | os.PathLike,
        load_weights: bool | None = None,
        input_shape: tuple | None = None,
        **kwargs: Any,
    ) -> Self:
        """Makes a classifier from a preset.

        An Eff-SpineNet of the package becomes the paper's classifier (4.2 and Table 10): endpoints
        of width 256, no space-to-depth, and 1000 classes unless `num_classes` is given. Its input
        size, for which `presets` names the paper's, stays open. A SpineNet stays as it is.

        `num_classes` is required for a backbone's preset that is not the package's, or has weights.
        Arguments and errors are those of `TaskModel.from_preset`.
        """
        architectures = EffSpineNetBackbone.presets.keys() - cls.presets_with_weights.keys()
        if preset not in architectures:  # what was trained stays in its configuration
            return super().from_preset(preset, load_weights, input_shape, **kwargs)
        shape = {} if input_shape is None else {"input_shape": input_shape}
        backbone = EffSpineNetBackbone.from_preset(
            preset, load_weights=load_weights, **cls.paper_backbone, **shape
        )
        return cls(**{"backbone": backbone, "num_classes": IMAGENET_CLASSES, **kwargs})


def _pool_each_level(backbone):
    pooled = [
        keras.layers.GlobalAveragePooling2D(dtype="float32", name=f"{level.lower()}_pool")(x)
        for level, x in pyramid_levels(backbone).items()
    ]
    return keras.layers.Concatenate(dtype="float32", name="pyramid_pool")(pooled)
