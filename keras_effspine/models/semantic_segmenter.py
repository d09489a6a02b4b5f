"""Semantic segmentation on the average of a backbone's endpoints."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from keras_cv.src.models.task import Task

from keras_effspine.layers.bilinear_upsampling import BilinearUpsampling
from keras_effspine.layers.class_weights import weights_of_classes
from keras_effspine.layers.replicas import sum_over_replicas
from keras_effspine.models.arguments import (
    checked_class_weights,
    refuse_unknown_arguments,
    single_map,
)
from keras_effspine.models.batch_checks import check_label_maps, check_whole_numbers
from keras_effspine.models.inference_model import InferenceModel
from keras_effspine.models.task_model import TaskModel, operations_of
from keras_effspine.networks.segmentation_head import PREDICTION, segmentation_head
from keras_effspine.topology.labels import IGNORED

OUTPUT_STRIDE = 8

_LEVEL = 3


@keras.saving.register_keras_serializable(package="keras_effspine")
class SemanticSegmenter(TaskModel, Task):
    """Class logits for each pixel of a picture.

    The output of `EffSpineNetBackbone` is the average of the endpoints P3 to P7 at P3, of output
    stride 8; separable convolutions and a prediction follow, which is enlarged to the picture's own
    size. Labels of 255 are ignored, and the loss is the mean over all other pixels of all replicas.

    Source: 4.3 and Table 2 of [arXiv:2010.11426](https://arxiv.org/abs/2010.11426).

    Args:
        backbone: model with one output `(batch, ceil(height / 8), ceil(width / 8), channels)`,
            whose width is also the head's.
        num_classes: int from 1 to 255; labels are 0 to `num_classes - 1`. A background is a class
            like all others.
        head_layers: int, separable layers before the prediction.
        **kwargs: `name` and `trainable`.

    Call returns:
        float32 logits `(batch, height, width, num_classes)`, for pictures of any size;
        `coarse_logits` is the tensor before the enlargement, of output stride 8.

    Raises:
        ValueError: if an argument is out of range, or the backbone has other outputs.

    Example:

    ```python
    model = keras_effspine.SemanticSegmenter.from_preset("m0", num_classes=21)
    model.compile(optimizer="sgd")
    images = np.random.uniform(0, 255, (2, 128, 128, 3))
    labels = np.random.randint(0, 21, (2, 128, 128))  # and 255 where it is not known
    model.fit(images, labels)
    model.predict(images).argmax(axis=-1)  # classes (2, 128, 128)
    ```
    """

    config_arguments = ("backbone", "num_classes", "head_layers")
    class_prediction_layers = ("segmentation_head_prediction",)

    def __init__(
        self, backbone: keras.Model, num_classes: int, head_layers: int = 3, **kwargs: Any
    ) -> None:
        refuse_unknown_arguments(SemanticSegmenter, kwargs)
        if not 1 <= num_classes <= IGNORED:
            raise ValueError(
                f"`num_classes` must be from 1 to {IGNORED}, since the label {IGNORED} is ignored. "
                f"Received: num_classes={num_classes}"
            )
        if head_layers < 0:
            raise ValueError(
                f"`head_layers` must not be negative. Received: head_layers={head_layers}"
            )
        features = single_map(backbone)
        operations = operations_of(backbone)
        images = backbone.inputs[0]
        coarse = segmentation_head(features, head_layers, num_classes, operations)
        logits = BilinearUpsampling(_LEVEL, dtype="float32", name="logits")(coarse, images)
        super().__init__(backbone, logits, **kwargs)
        self.num_classes = num_classes
        self.head_layers = head_layers

    @property
    def coarse_logits(self) -> keras.KerasTensor:
        """The symbolic tensor of the logits at output stride 8."""
        return self.get_layer(PREDICTION).output

    def fuse_for_inference(
        self, image_shape: tuple[int | None, ...] | None = None
    ) -> InferenceModel:
        fused = super().fuse_for_inference(image_shape)
        fused.coarse_logits = fused.get_layer(PREDICTION).output
        return fused

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: keras.losses.Loss | None = None,
        jit_compile: bool = False,
        class_weights: Sequence[float] | None = None,
        **kwargs: Any,
    ) -> None:
        """Configures the model for training.

        Args:
            optimizer: as in `keras.Model.compile`.
            loss: None for cross-entropy, or a Keras loss on labels `(batch, height, width)` and
                logits with reduction `"sum"`: the model divides it by the number of pixels.
            jit_compile: whether to compile with XLA.
            class_weights: one weight a class, or None: how much the loss of a pixel of the class
                counts. The sum is divided by the number of pixels, not of weights.
            **kwargs: other arguments of `keras.Model.compile`. A metric sees the labels as they
                are, and must itself ignore 255.

        Raises:
            ValueError: if the loss is none that can be divided.
        """
        if loss is None:
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="sum")
        if not isinstance(loss, keras.losses.Loss) or loss.reduction != "sum":
            raise ValueError(
                "`loss` must be a Keras loss on logits with reduction='sum', since the model "
                f"divides it by the number of labelled pixels of all replicas. Received: {loss}"
            )
        self._class_weights = checked_class_weights(class_weights, self.num_classes)
        keras.Model.compile(self, optimizer=optimizer, loss=loss, jit_compile=jit_compile, **kwargs)

    def get_compile_config(self) -> dict[str, Any]:
        config = keras.Model.get_compile_config(self)
        weights = {"class_weights": self._class_weights} if self.compiled else {}
        return {**config, **weights} if config else config

    def check_labels(self, labels: np.ndarray, image_shape: Sequence[int]) -> None:
        check_label_maps(labels, self.num_classes, IGNORED)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, **kwargs
    ) -> Any:
        labels = ops.convert_to_tensor(y)
        if len(labels.shape) == 4 and labels.shape[-1] == 1:
            labels = ops.squeeze(labels, -1)
        if len(labels.shape) != 3:
            raise ValueError(
                "Labels must be class indices (batch, height, width), one a pixel. "
                f"Received: shape {tuple(labels.shape)}"
            )
        check_whole_numbers(labels)
        labels = ops.cast(labels, "int32")
        known = labels != IGNORED
        weights = ops.cast(known, "float32")
        # One divisor for all replicas: gradients are summed over them, so that a divisor of each
        # replica's own would weigh the pixels of a sparsely labelled replica more.
        weights = weights / ops.maximum(sum_over_replicas(ops.sum(weights)), 1.0)
        if self._class_weights is not None:
            weights = weights * weights_of_classes(
                self._class_weights, ops.where(known, labels, -1)
            )
        if sample_weight is not None:
            given = ops.cast(sample_weight, "float32")
            weights = weights * (given if len(given.shape) == 3 else given[:, None, None])
        return keras.Model.compute_loss(
            self,
            x=x,
            y=ops.where(known, labels, 0),
            y_pred=y_pred,
            sample_weight=weights,
            **kwargs,
        )
