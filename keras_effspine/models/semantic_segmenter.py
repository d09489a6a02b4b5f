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
    require_at_least,
    single_map,
)
from keras_effspine.models.batch_checks import check_label_maps, check_whole_numbers
from keras_effspine.models.inference_model import InferenceModel
from keras_effspine.models.picture_results import LabelMapResults
from keras_effspine.models.task_model import TaskModel, operations_of
from keras_effspine.networks.deeplab import LOW_LEVEL, atrous_pooling, deeplab_decoder
from keras_effspine.networks.segmentation_head import PREDICTION, segmentation_head
from keras_effspine.topology.labels import IGNORED
from keras_effspine.topology.pyramid import LEVELS

_DECODERS = ("deeplab_v3", "deeplab_v3_plus")
_ATROUS_RATES = (6, 12, 18)
"""At output stride 16; finer maps have them twice as large."""

_HIGHEST_LEVEL = 5


@keras.saving.register_keras_serializable(package="keras_effspine")
class SemanticSegmenter(LabelMapResults, TaskModel, Task):
    """Class logits for each pixel of a picture.

    The output of `EffSpineNetBackbone` is the average of the endpoints P3 to P7 at P3, of output
    stride 8; separable convolutions and a prediction follow, which is enlarged to the picture's own
    size. Between them DeepLab's layers may stand, on a network that is dilated instead of going
    down (`ScaleDecreasedBackbone(output_stride=16)`). Labels of 255 are ignored, and the loss is
    the mean over all other pixels of all replicas.

    Source: 4.3 and Table 2 of [arXiv:2010.11426](https://arxiv.org/abs/2010.11426).

    Args:
        backbone: model with one output `(batch, ceil(height / 8), ceil(width / 8), channels)`,
            whose width is also the head's; or of another stride, `2**backbone.output_level`.
        num_classes: int from 1 to 255; labels are 0 to `num_classes - 1`. A background is a class
            like all others.
        head_layers: int, separable layers before the prediction.
        decoder: None; `"deeplab_v3"`, atrous spatial pyramid pooling of the output
            (arXiv:1706.05587); or `"deeplab_v3_plus"`, which joins it with the backbone's P2
            (arXiv:1802.02611), so that the prediction has stride 4.
        atrous_rates: the decoder's dilation rates; None takes 6, 12 and 18 at output stride 16, and
            twice as much at 8.
        decoder_width: int, channels of the decoder.
        **kwargs: `name` and `trainable`.

    Call returns:
        float32 logits `(batch, height, width, num_classes)`, for pictures of any size;
        `coarse_logits` is the tensor before the enlargement, of stride 8, or the backbone's or the
        decoder's.

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

    config_arguments = (
        *("backbone", "num_classes", "head_layers"),
        *("decoder", "atrous_rates", "decoder_width"),
    )
    class_prediction_layers = ("segmentation_head_prediction",)

    def __init__(
        self,
        backbone: keras.Model,
        num_classes: int,
        head_layers: int = 3,
        decoder: str | None = None,
        atrous_rates: Sequence[int] | None = None,
        decoder_width: int = 256,
        **kwargs: Any,
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
        if decoder is not None and decoder not in _DECODERS:
            raise ValueError(
                f"`decoder` must be one of {', '.join(_DECODERS)}, or None. "
                f"Received: decoder={decoder!r}"
            )
        require_at_least("decoder_width", decoder_width)
        features = single_map(backbone)
        level = getattr(backbone, "output_level", LEVELS[0])
        if level > _HIGHEST_LEVEL:
            raise ValueError(
                "The backbone's output must have a stride of at most "
                f"{2**_HIGHEST_LEVEL}. Received: stride {2**level}"
            )
        operations = operations_of(backbone)
        images = backbone.inputs[0]
        if decoder is not None:
            rates = atrous_rates
            if rates is None:
                rates = [rate * max(1, 2 ** (4 - level)) for rate in _ATROUS_RATES]
            features = atrous_pooling(features, decoder_width, rates, operations)
        if decoder == "deeplab_v3_plus":
            low = backbone.get_layer(_low_level(backbone)).output
            features = deeplab_decoder(features, level, low, images, decoder_width, operations)
            level = LOW_LEVEL
        coarse = segmentation_head(features, head_layers, num_classes, operations)
        logits = BilinearUpsampling(level, dtype="float32", name="logits")(coarse, images)
        super().__init__(backbone, logits, **kwargs)
        self.num_classes = num_classes
        self.head_layers = head_layers
        self.decoder = decoder
        self.atrous_rates = None if atrous_rates is None else list(atrous_rates)
        self.decoder_width = decoder_width

    @property
    def coarse_logits(self) -> keras.KerasTensor:
        """The symbolic tensor of the logits before they are enlarged."""
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


def _low_level(backbone: keras.Model) -> str:
    """Name of the layer whose map the decoder reads beside the deep features."""
    names = getattr(backbone, "pyramid_level_inputs", {})
    level = f"P{LOW_LEVEL}"
    if level not in names:
        raise ValueError(
            f"`decoder='deeplab_v3_plus'` reads {level} of the backbone, which it does not have. "
            f"Received: pyramid_level_inputs={names}"
        )
    return names[level]
