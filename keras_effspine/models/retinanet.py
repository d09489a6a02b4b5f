"""RetinaNet (arXiv:1708.02002) on a backbone that brings its own pyramid."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import keras_cv
import numpy as np
from keras import ops

from keras_effspine.layers.boxes import convert_boxes, decode_boxes
from keras_effspine.layers.class_weights import weights_of_classes
from keras_effspine.layers.replicas import sum_over_replicas
from keras_effspine.layers.take_rows import take_rows
from keras_effspine.models.arguments import (
    checked_class_weights,
    refuse_unknown_arguments,
    require_at_least,
    require_box_format,
)
from keras_effspine.models.batch_checks import check_objects
from keras_effspine.models.detection_batch import images_and_labels, require_known_size
from keras_effspine.models.giou_loss import overlap_of_differences
from keras_effspine.models.multi_class_non_max_suppression import MultiClassNonMaxSuppression
from keras_effspine.models.one_pass_loss import OnePassLoss
from keras_effspine.models.picture_results import ObjectResults
from keras_effspine.models.pyramid_levels import pyramid_levels
from keras_effspine.models.quality_focal_loss import QualityFocalLoss
from keras_effspine.models.retinanet_anchors import (
    LEVELS_READ,
    anchors_per_location,
    retinanet_anchor_generator,
    ssd_anchor_generator,
)
from keras_effspine.models.retinanet_label_encoder import IGNORED, RetinaNetLabelEncoder
from keras_effspine.models.task_model import TaskModel, operations_of
from keras_effspine.networks.retinanet_head import (
    concatenate_levels,
    retinanet_prediction,
    retinanet_subnet,
)
from keras_effspine.networks.ssdlite import ssdlite_prediction
from keras_effspine.topology.pyramid import ANCHOR_RATIOS, ANCHOR_SIZE_OVER_STRIDE, SSD_LEVELS

_PRIOR_PROBABILITY = 0.01


@keras.saving.register_keras_serializable(package="keras_effspine")
class RetinaNet(ObjectResults, TaskModel, keras_cv.models.RetinaNet):
    """RetinaNet with the paper's separable subnets, directly on P3 to P7 of a backbone.

    It takes the arguments of `keras_cv.models.RetinaNet` and trains, predicts and saves like it.
    It differs where keras-cv 0.9 falls short: predictions follow COCO's protocol (non-maximum
    suppression per class, low score threshold, 100 detections); each box is matched to an anchor;
    the loss is normalised over all replicas, and pictures without boxes train as background; a
    reloaded model is compiled and trains on.

    Source: 4.1 and Table 2 of [arXiv:2010.11426](https://arxiv.org/abs/2010.11426); anchors of the
    public SpineNet configurations (base size 3 x stride, 3 scales, 3 aspect ratios).

    Args:
        backbone: a backbone whose `pyramid_level_inputs` name P3 to P7, all of one width, which is
            also the subnets' width; with `feature_pyramid`, any backbone that this layer reads.
        num_classes: int, without a background; class ids are 0 to `num_classes - 1`.
        bounding_box_format: keras-cv format of boxes in training data and predictions.
        anchor_generator: optional `keras_cv.layers.AnchorGenerator` over five levels.
        label_encoder: optional layer from images and labels to targets, instead of
            `anchor_generator`.
        prediction_decoder: optional layer from boxes and class logits to detections.
        feature_pyramid: optional layer from the dictionary of backbone outputs to a list of five
            maps. By default the backbone's own P3 to P7 are used as they are.
        classification_head: optional layer, called on each level in turn, giving class logits.
        box_head: optional layer, called on each level in turn, giving box differences.
        head_layers: int, layers of each default subnet before its prediction.
        head_width: int, channels of these layers; None takes those of the pyramid.
        separable_heads: bool, whether their convolutions are separable, as the paper's, or not, as
            SpineNet's.
        shared_subnet: bool, whether classes and boxes are predicted from the layers of one subnet,
            as MobileNetV2's FPNLite does.
        predictor: `"retinanet"`, or `"ssdlite"`: each of the levels P4 to P9, of any widths, then
            has predictions of its own without layers before them, and the anchors are SSDLite's.
        **kwargs: `name` and `trainable`.

    Raises:
        ValueError: if there is no such box format, the backbone lacks a level, or its levels differ
            in width.

    Example:

    ```python
    model = keras_effspine.RetinaNet.from_preset(
        "m0", num_classes=3, bounding_box_format="xywh"
    )
    model.compile(optimizer="sgd", classification_loss="focal", box_loss="smoothl1")
    images = np.random.uniform(0, 255, (2, 256, 256, 3))
    labels = {
        "boxes": np.array([[[20.0, 30.0, 90.0, 60.0]], [[-1.0, -1.0, -1.0, -1.0]]]),
        "classes": np.array([[1.0], [-1.0]]),  # the second picture has no object
    }
    model.fit(images, labels)
    model.predict(images)  # "boxes" (2, 100, 4), "confidence", "classes", "num_detections"
    ```
    """

    config_arguments = (
        "backbone",
        "num_classes",
        "bounding_box_format",
        "label_encoder",
        "prediction_decoder",
        "feature_pyramid",
        "classification_head",
        "box_head",
        "head_layers",
        "head_width",
        "separable_heads",
        "shared_subnet",
        "predictor",
    )
    class_prediction_layers = (
        "classification_head_prediction",
        *(f"classification_head_p{level}_prediction" for level in SSD_LEVELS),
    )

    def __init__(
        self,
        backbone: keras.Model,
        num_classes: int,
        bounding_box_format: str,
        anchor_generator: keras.layers.Layer | None = None,
        label_encoder: keras.layers.Layer | None = None,
        prediction_decoder: keras.layers.Layer | None = None,
        feature_pyramid: Callable | None = None,
        classification_head: Callable | None = None,
        box_head: Callable | None = None,
        head_layers: int = 3,
        head_width: int | None = None,
        separable_heads: bool = True,
        shared_subnet: bool = False,
        predictor: str = "retinanet",
        **kwargs: Any,
    ) -> None:
        refuse_unknown_arguments(RetinaNet, kwargs)
        require_at_least("num_classes", num_classes)
        if head_width is not None:
            require_at_least("head_width", head_width)
        require_box_format(bounding_box_format)
        if predictor not in LEVELS_READ:
            raise ValueError(
                f"`predictor` must be one of {', '.join(LEVELS_READ)}. "
                f"Received: predictor={predictor!r}"
            )
        is_ssd = predictor == "ssdlite"
        if anchor_generator is not None and label_encoder is not None:
            raise ValueError(
                "Pass `anchor_generator` or `label_encoder`, not both: the label encoder has an "
                "anchor generator of its own."
            )
        label_encoder = label_encoder or RetinaNetLabelEncoder(
            bounding_box_format=bounding_box_format,
            anchor_generator=anchor_generator
            or (
                ssd_anchor_generator(bounding_box_format)
                if is_ssd
                else self.default_anchor_generator(bounding_box_format)
            ),
        )
        anchor_generator = label_encoder.anchor_generator
        levels = LEVELS_READ[predictor]
        anchors = anchors_per_location(anchor_generator, levels)

        pyramid = pyramid_levels(backbone, feature_pyramid, levels, one_width=not is_ssd)
        operations = operations_of(backbone)

        def subnet(name):
            return retinanet_subnet(
                pyramid, head_layers, operations, name, separable_heads, head_width
            )

        shared = subnet("shared_head") if shared_subnet and not is_ssd else None
        outputs = {}
        for output, head, values, bias in (
            ("box", box_head, 4, 0.0),
            (
                "classification",
                classification_head,
                num_classes,
                -math.log((1 - _PRIOR_PROBABILITY) / _PRIOR_PROBABILITY),
            ),
        ):
            name = f"{output}_head"
            if head is not None:
                maps = {level: head(x) for level, x in pyramid.items()}
            elif is_ssd:
                maps = ssdlite_prediction(pyramid, anchors * values, operations, name, bias)
            else:
                maps = retinanet_prediction(
                    shared or subnet(name),
                    anchors * values,
                    operations,
                    name,
                    bias,
                    separable_heads,
                )
            outputs[output] = concatenate_levels(maps, values, output)

        super().__init__(backbone, outputs, **kwargs)
        self.num_classes = num_classes
        self.bounding_box_format = bounding_box_format
        self.label_encoder = label_encoder
        self.anchor_generator = anchor_generator
        self._prediction_decoder = prediction_decoder or MultiClassNonMaxSuppression(
            bounding_box_format=bounding_box_format,
            from_logits=True,
            confidence_threshold=0.01,
        )
        self.feature_pyramid = feature_pyramid
        self.classification_head = classification_head
        self.box_head = box_head
        self.head_layers = head_layers
        self.head_width = head_width
        self.separable_heads = separable_heads
        self.shared_subnet = shared_subnet
        self.predictor = predictor
        # As in compile(): a model that is not compiled would be traced with XLA on a GPU.
        self.jit_compile = False

    @staticmethod
    def default_anchor_generator(
        bounding_box_format: str,
        size_over_stride: float = ANCHOR_SIZE_OVER_STRIDE,
        aspect_ratios: Sequence[float] = ANCHOR_RATIOS,
    ) -> keras_cv.layers.AnchorGenerator:
        """Anchors of the public SpineNet configurations: sizes 24 to 384 px, not clipped.

        Args:
            bounding_box_format: keras-cv format of the anchors.
            size_over_stride: side of a level's smallest square anchor over the level's stride.
            aspect_ratios: widths over heights, at equal area.
        """
        return retinanet_anchor_generator(bounding_box_format, size_over_stride, aspect_ratios)

    def compile(
        self,
        box_loss: Any = "smoothl1",
        classification_loss: Any = "focal",
        loss: None = None,
        metrics: list | None = None,
        optimizer: Any = "rmsprop",
        jit_compile: bool = False,
        class_weights: Sequence[float] | None = None,
        **kwargs: Any,
    ) -> None:
        """Configures the model for training, by default with RetinaNet's own losses.

        Args:
            box_loss: `"smoothl1"`, `"huber"`, or a Keras loss with reduction `"sum"`, such as
                `models.giou_loss.GIoULoss`.
            classification_loss: `"focal"`, or a Keras loss on logits with reduction `"sum"`;
                `models.quality_focal_loss.QualityFocalLoss` learns scores that say how well a
                predicted box fits.
            loss: must stay None; it is there so that the order of arguments is keras-cv's.
            metrics: keras-cv's object detection metrics.
            optimizer: as in `keras.Model.compile`.
            jit_compile: whether to compile with XLA. False by default: XLA is slower on CPUs, and
                keras-cv's metrics cannot be compiled.
            class_weights: one weight a class, or None: how much the losses of an anchor that is
                matched to an object of the class count. Background counts 1.
            **kwargs: other arguments of `keras.Model.compile`.
        """
        self._class_weights = checked_class_weights(class_weights, self.num_classes)
        keras_cv.models.RetinaNet.compile(
            self,
            box_loss=box_loss,
            classification_loss=classification_loss,
            loss=loss,
            metrics=metrics,
            optimizer=optimizer,
            jit_compile=jit_compile,
            **kwargs,
        )
        # keras-cv has checked the losses and made them of names; Keras is to run them in one pass.
        keras.Model.compile(
            self,
            loss={
                "box": OnePassLoss(self.box_loss),
                "classification": OnePassLoss(self.classification_loss, self.num_classes),
            },
            optimizer=self.optimizer,
            jit_compile=jit_compile,
            **kwargs,
        )
        self._compile_arguments = {
            "optimizer": self.optimizer,
            "box_loss": box_loss,
            "classification_loss": classification_loss,
            "metrics": metrics,
            "jit_compile": jit_compile,
            **({} if class_weights is None else {"class_weights": self._class_weights}),
            **kwargs,
        }

    def get_compile_config(self) -> dict[str, Any]:
        if not self.compiled:
            return {}
        return keras.saving.serialize_keras_object(self._compile_arguments)

    # What follows calls Keras' methods by name: keras-cv's would encode the labels once more.

    def compute_loss(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None, **kwargs: Any
    ) -> Any:
        require_known_size(x)
        boxes = convert_boxes(
            y["boxes"],
            source=self.bounding_box_format,
            target=self.label_encoder.bounding_box_format,
            image_shape=x.shape[1:],
        )
        boxes, classes = self.label_encoder(x, {**y, "boxes": boxes})
        positive = ops.cast(classes >= 0, "float32")
        # One divisor for all replicas: gradients are summed over them, so that a divisor of each
        # replica's own would weigh the boxes of a crowded replica less.
        normalizer = ops.maximum(sum_over_replicas(ops.sum(positive)), 1.0)
        targets = classes
        if isinstance(self.classification_loss, QualityFocalLoss):
            quality, _ = overlap_of_differences(boxes, ops.stop_gradient(y_pred["box"]))
            targets = ops.stack([classes, quality], axis=-1)
        weights = 1.0
        if self._class_weights is not None:
            weights = weights_of_classes(self._class_weights, classes)
        return keras.Model.compute_loss(
            self,
            x=x,
            y={"box": boxes, "classification": targets},
            y_pred=y_pred,
            sample_weight={
                "box": weights * positive / normalizer,
                "classification": weights * ops.cast(classes != IGNORED, "float32") / normalizer,
            },
        )

    def batch_of(self, data: Any) -> tuple[Any, Any, Any]:
        return *images_and_labels(data), None

    def check_labels(self, labels: dict[str, np.ndarray], image_shape: Sequence[int]) -> None:
        check_objects(
            labels["boxes"],
            labels["classes"],
            self.num_classes,
            self.bounding_box_format,
            image_shape,
        )

    def finish_predictions(self, outputs: Any, images: Any) -> dict[str, Any]:
        return self.decode_predictions(outputs, images)

    def decode_predictions(self, predictions: Any, images: Any) -> dict[str, Any]:
        """Turns the model's outputs into detections.

        Args:
            predictions: dictionary of `"box"` `(batch, anchors, 4)` and `"classification"`
                `(batch, anchors, num_classes)`.
            images: `(batch, height, width, channels)`, read for its shape.

        Returns:
            Dictionary of `"boxes"` `(batch, 100, 4)` in `bounding_box_format`, `"confidence"` and
            `"classes"` `(batch, 100)`, padded with -1, and `"num_detections"` `(batch,)`.

        Raises:
            ValueError: if height or width is not known when the prediction is traced.
        """
        require_known_size(images)
        image_shape, decoder = tuple(images.shape[1:]), self.prediction_decoder
        anchors = self.anchor_generator(image_shape=image_shape)
        anchors = convert_boxes(
            ops.concatenate(list(anchors.values())),
            source=self.anchor_generator.bounding_box_format,
            target="yxyx",
            image_shape=image_shape,
        )

        def boxes(deltas, anchors):
            return convert_boxes(
                decode_boxes(deltas, anchors),
                source="yxyx",
                target=decoder.bounding_box_format,
                image_shape=image_shape,
            )

        def chosen(index):
            return boxes(take_rows(predictions["box"], index), ops.take(anchors, index, axis=0))

        classes = predictions["classification"]
        if isinstance(decoder, MultiClassNonMaxSuppression):
            found = decoder.among(chosen, classes)
        else:
            found = decoder(boxes(predictions["box"], anchors), classes, image_shape=image_shape)
        return {
            **found,
            "boxes": convert_boxes(
                found["boxes"],
                source=decoder.bounding_box_format,
                target=self.bounding_box_format,
                image_shape=image_shape,
            ),
        }
