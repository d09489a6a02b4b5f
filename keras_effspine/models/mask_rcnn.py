"""Mask R-CNN (arXiv:1703.06870) on a backbone that brings its own pyramid."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from keras_cv.src.models.task import Task

from keras_effspine.layers.boxes import convert_boxes
from keras_effspine.layers.class_weights import weights_of_classes
from keras_effspine.layers.region_detections import RegionDetections
from keras_effspine.layers.replicas import sum_over_replicas
from keras_effspine.models.arguments import (
    checked_class_weights,
    refuse_unknown_arguments,
    require_at_least,
    require_box_format,
)
from keras_effspine.models.batch_checks import check_mask_crops, check_objects
from keras_effspine.models.detection_batch import images_and_labels, require_known_size
from keras_effspine.models.huber import Huber
from keras_effspine.models.picture_results import ObjectResults
from keras_effspine.models.pyramid_levels import pyramid_levels
from keras_effspine.models.task_model import TaskModel, operations_of
from keras_effspine.networks.mask_rcnn import MaskRCNNNetwork

_WIDE_PYRAMID = 112
"""From this width of the pyramid on the dense layer has 512 units, otherwise 256 (Table 2)."""


@keras.saving.register_keras_serializable(package="keras_effspine")
class MaskRCNN(ObjectResults, TaskModel, Task):
    """Mask R-CNN with the paper's separable subnets, directly on P3 to P7 of a backbone.

    The first stage proposes regions; the second tells each one's class, its box, and which of the
    box' pixels are the object's. Classes never count a background, which the model has by itself.

    Source: 4.1 and Table 6 of [arXiv:2010.11426](https://arxiv.org/abs/2010.11426); what it leaves
    open (sampling, thresholds, losses) is that of the public SpineNet code, but for these: a place
    without a region is no background, and a region that fits its box exactly is learnt from.

    Args:
        backbone: a backbone whose `pyramid_level_inputs` name P3 to P7, all of one width, which is
            also the subnets' width; with `feature_pyramid`, any backbone that this layer reads.
        num_classes: int, without a background; class ids are 0 to `num_classes - 1`.
        bounding_box_format: keras-cv format of boxes in training data and predictions.
        feature_pyramid: optional layer from the dictionary of backbone outputs to a list of five
            maps. By default the backbone's own P3 to P7 are used as they are.
        rpn_layers: int, separable layers of the first stage before its predictions. The paper's
            text says 3; its counts are those of 1.
        dense_width: int, width of the dense layer of the second stage; None takes the paper's: 256,
            or 512 on a pyramid as wide as D2's.
        canonical_size: float, side in pixels of the box that is cropped out of P4; others go up or
            down a level with each factor of 2. At 224 and inputs of 512 px P6 and P7 are not used.
        score_threshold: float, score above which a region is a detection.
        iou_threshold: float, overlap above which the lesser of two detections of a class goes.
        max_detections: int, detections of an image.
        num_proposals: int, regions that the first stage hands to the second.
        sampled_anchors: int, anchors of an image that the first stage learns from.
        sampled_regions: int, regions of an image that the second stage learns from, masks from a
            quarter of them.
        **kwargs: `name` and `trainable`.

    Raises:
        ValueError: if an argument is out of range, the backbone lacks a level, or its levels differ
            in width.

    Example:

    ```python
    model = keras_effspine.MaskRCNN.from_preset("m0", num_classes=3, bounding_box_format="xywh")
    model.compile(optimizer="sgd")
    images = np.random.uniform(0, 255, (2, 128, 128, 3))
    labels = {
        "boxes": np.array([[[20.0, 30.0, 90.0, 60.0]], [[-1.0, -1.0, -1.0, -1.0]]]),
        "classes": np.array([[1], [-1]]),  # the second picture has no object
        "masks": np.ones((2, 1, 112, 112), "uint8"),  # of each box what lies in it; 255: not known
    }
    model.fit(images, labels)
    model.predict(images)  # "boxes" (2, 100, 4), "masks" (2, 100, 28, 28), "confidence", ...
    ```
    """

    config_arguments = (
        "backbone",
        "num_classes",
        "bounding_box_format",
        "feature_pyramid",
        "rpn_layers",
        "dense_width",
        "canonical_size",
        "score_threshold",
        "iou_threshold",
        "max_detections",
        "num_proposals",
        "sampled_anchors",
        "sampled_regions",
    )
    class_prediction_layers = (
        "box_head_classification",
        "box_head_box",
        "mask_head_prediction",
    )

    def __init__(
        self,
        backbone: keras.Model,
        num_classes: int,
        bounding_box_format: str,
        feature_pyramid: Callable | None = None,
        rpn_layers: int = 1,
        dense_width: int | None = None,
        canonical_size: float = 224.0,
        score_threshold: float = 0.05,
        iou_threshold: float = 0.5,
        max_detections: int = 100,
        num_proposals: int = 1000,
        sampled_anchors: int = 256,
        sampled_regions: int = 512,
        **kwargs: Any,
    ) -> None:
        refuse_unknown_arguments(MaskRCNN, kwargs)
        for argument, value, least in (
            ("num_classes", num_classes, 1),
            ("max_detections", max_detections, 1),
            ("num_proposals", num_proposals, 1),
            ("sampled_anchors", sampled_anchors, 2),
            ("sampled_regions", sampled_regions, 4),
        ):
            require_at_least(argument, value, least)
        require_box_format(bounding_box_format)
        pyramid = pyramid_levels(backbone, feature_pyramid)
        width = next(iter(pyramid.values())).shape[-1]
        if dense_width is None:
            dense_width = 512 if width >= _WIDE_PYRAMID else 256
        images = backbone.inputs[0]
        network = MaskRCNNNetwork(
            images,
            pyramid,
            num_classes,
            rpn_layers,
            dense_width,
            operations_of(backbone),
            canonical_size,
            RegionDetections(score_threshold, iou_threshold, max_detections, name="detections"),
            num_proposals,
        )
        super().__init__(backbone, network.predict(), **kwargs)
        self.num_classes = num_classes
        self.bounding_box_format = bounding_box_format
        self.feature_pyramid = feature_pyramid
        self.rpn_layers = rpn_layers
        self.dense_width = dense_width
        self.canonical_size = canonical_size
        self.score_threshold = score_threshold
        self.iou_threshold = iou_threshold
        self.max_detections = max_detections
        self.num_proposals = num_proposals
        self.sampled_anchors = sampled_anchors
        self.sampled_regions = sampled_regions
        labels = {
            "boxes": keras.Input((None, 4), name="boxes"),
            "classes": keras.Input((None,), name="classes"),
            "masks": keras.Input((None, None, None), dtype="uint8", name="masks"),
        }
        graph = keras.Model(
            [images, *labels.values()], network.train(sampled_anchors, sampled_regions, **labels)
        )
        # Its layers are this model's, but for the two that draw at random, whose state is kept.
        self.rpn_targets, self.region_sampler = (
            graph.get_layer(name) for name in ("rpn_targets", "region_sampler")
        )
        self._training_graph = lambda: graph  # a model as an attribute would be saved twice
        # `call` takes images, or a training batch.
        self.input_spec = None
        # As in compile(): a model that is not compiled would be traced with XLA on a GPU.
        self.jit_compile = False

    @property
    def training_graph(self) -> keras.Model:
        return self._training_graph()

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if isinstance(inputs, dict):
            inputs = [inputs[name] for name in ("images", "boxes", "classes", "masks")]
            return self.training_graph(inputs, training=training)
        return super().call(inputs, training=training, mask=mask)

    def compile(
        self,
        optimizer: Any = "rmsprop",
        jit_compile: bool = False,
        class_weights: Sequence[float] | None = None,
        **kwargs: Any,
    ) -> None:
        """Configures the model for training.

        Args:
            optimizer: as in `keras.Model.compile`.
            jit_compile: whether to compile with XLA.
            class_weights: one weight a class, or None: how much the second stage's losses of a
                region of the class count. Background counts 1, and the first stage knows none.
            **kwargs: other arguments of `keras.Model.compile`, such as `loss_weights`, by the names
                `"rpn_objectness"`, `"rpn_box"`, `"classification"`, `"box"` and `"mask"`. No
                `loss`, and no `metrics`, which would be given targets.

        Raises:
            ValueError: if losses or metrics are named.
        """
        for name in ("loss", "metrics", "weighted_metrics"):
            if kwargs.get(name) is not None:
                raise ValueError(
                    f"Mask R-CNN has losses of its own, and is measured on its predictions: leave "
                    f"`{name}` out. Received: {name}={kwargs[name]!r}"
                )
            kwargs.pop(name, None)
        self._class_weights = checked_class_weights(class_weights, self.num_classes)
        keras.Model.compile(
            self,
            optimizer=optimizer,
            loss={
                "rpn_objectness": keras.losses.BinaryCrossentropy(
                    from_logits=True, reduction="sum"
                ),
                "rpn_box": Huber(delta=1 / 9, reduction="sum"),
                "classification": keras.losses.SparseCategoricalCrossentropy(
                    from_logits=True, reduction="sum"
                ),
                "box": Huber(delta=1.0, reduction="sum"),
                "mask": keras.losses.BinaryCrossentropy(from_logits=True, reduction="sum"),
            },
            jit_compile=jit_compile,
            **kwargs,
        )
        self._compile_arguments = {
            "optimizer": self.optimizer,
            "jit_compile": jit_compile,
            **({} if class_weights is None else {"class_weights": self._class_weights}),
            **kwargs,
        }

    def get_compile_config(self) -> dict[str, Any]:
        if not self.compiled:
            return {}
        return keras.saving.serialize_keras_object(self._compile_arguments)

    @property
    def loss_outputs(self) -> Any:
        return {name: loss["predicted"] for name, loss in self.training_graph.output.items()}

    def _symbolic_build(self, *args: Any, **kwargs: Any) -> None:
        # Keras on JAX would build the losses for what the model predicts.
        losses = self._compile_loss
        if losses is not None and not losses.built:
            losses.build(self.loss_outputs, self.loss_outputs)
        keras.Model._symbolic_build(self, *args, **kwargs)

    def compute_loss(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None, **kwargs: Any
    ) -> Any:
        true = {name: loss["true"] for name, loss in y_pred.items()}
        true["mask"] = true["mask"][..., None]
        predicted = {name: loss["predicted"] for name, loss in y_pred.items()}
        predicted["mask"] = predicted["mask"][..., None]
        weights = {}
        for name, loss in y_pred.items():
            # One divisor for all replicas: gradients are summed over them.
            count = ops.maximum(sum_over_replicas(ops.sum(loss["weight"])), 1.0)
            weights[name] = loss["weight"] / count
        if self._class_weights is not None:
            # Of regions 0 is the background. Masks are learnt from the first of them.
            by_class = weights_of_classes(self._class_weights, true["classification"] - 1)
            for name in ("classification", "box", "mask"):
                weights[name] = weights[name] * by_class[:, : weights[name].shape[1]]
        pixels = true["mask"].shape[2] * true["mask"].shape[3]
        weights["mask"] = weights["mask"][..., None, None] / pixels
        weights["mask"] = ops.broadcast_to(weights["mask"], ops.shape(true["mask"])[:-1])
        return keras.Model.compute_loss(
            self, x=x, y=true, y_pred=predicted, sample_weight=weights, **kwargs
        )

    def batch_of(self, data: Any) -> tuple[Any, Any, Any]:
        images, labels = images_and_labels(data)
        if "masks" not in labels:
            raise ValueError(
                "Labels must have 'masks' (batch, boxes, rows, columns): of each box what lies in "
                f"it, 1 on the object and 0 beside it. Received: {sorted(labels)}"
            )
        return images, labels, None

    def check_labels(self, labels: dict[str, np.ndarray], image_shape: Sequence[int]) -> None:
        check_objects(
            labels["boxes"],
            labels["classes"],
            self.num_classes,
            self.bounding_box_format,
            image_shape,
        )
        check_mask_crops(labels["masks"], labels["classes"])

    def _checked_batch(self, data: Any) -> tuple[Any, Any, Any]:
        """The training graph's inputs, and labels, which it turns into targets."""
        images, labels, _ = super()._checked_batch(data)
        require_known_size(images)
        boxes = convert_boxes(
            labels["boxes"], self.bounding_box_format, "yxyx", tuple(images.shape[1:])
        )
        inputs = {**labels, "images": images, "boxes": boxes}
        # Keras takes no mixture of tensors and arrays.
        return {k: ops.convert_to_tensor(x) for k, x in inputs.items()}, labels["classes"], None

    def predict_step(self, *args: Any) -> Any:
        require_known_size(keras.utils.unpack_x_y_sample_weight(args[-1])[0])
        return super().predict_step(*args)

    def finish_predictions(self, outputs: dict[str, Any], images: Any) -> dict[str, Any]:
        """Detections with boxes in the model's format; what is missing stays -1."""
        boxes = convert_boxes(
            outputs["boxes"], "yxyx", self.bounding_box_format, tuple(images.shape[1:])
        )
        real = ops.expand_dims(outputs["classes"] >= 0, -1)
        return {**outputs, "boxes": ops.where(real, boxes, -1.0)}
