"""A detector's exported outputs."""

import dataclasses
from typing import Any

import keras_cv
import tensorflow as tf
from keras import ops

from keras_effspine.errors import ExportError
from keras_effspine.layers.boxes import LARGEST_LOG_SIZE, VARIANCES, convert_boxes, decode_boxes
from keras_effspine.models.multi_class_non_max_suppression import MultiClassNonMaxSuppression
from keras_effspine.models.retinanet import RetinaNet
from keras_effspine.runners.metadata import Anchors, Suppression
from keras_effspine.tasks.exported_outputs import DETECTIONS, ExportedOutputs


def raw_detector(model: RetinaNet, fused: Any) -> ExportedOutputs:
    """The network's own outputs, with all that turns them into detections.

    Args:
        model: `RetinaNet`.
        fused: its `InferenceModel`.

    Raises:
        ExportError: if it has a decoder or anchors of its own, which no runner knows.
    """
    decoder, generator = model.prediction_decoder, model.anchor_generator
    known = (
        type(decoder) is MultiClassNonMaxSuppression
        and decoder.from_logits
        and type(generator) is keras_cv.layers.AnchorGenerator
    )
    levels = list(generator.anchor_generators.values()) if known else []
    if not known or any(one.scales != levels[0].scales for one in levels):
        raise ExportError(
            f"Model '{model.name}' has a decoder or anchors of its own, which runners do not know: "
            "export it with its decoding in the graph (--decode)."
        )
    names = [field.name for field in dataclasses.fields(Suppression)]
    values = {name: getattr(decoder, name, None) for name in names}
    return ExportedOutputs(
        call=lambda images: dict(fused(images, training=False)),
        described={
            "box": "(batch, anchors, 4), differences to the anchors in y, x, height, width",
            "classification": "(batch, anchors, classes), logits",
        },
        anchors=Anchors(
            strides=tuple(int(one.stride) for one in levels),
            sizes=tuple(float(one.sizes) for one in levels),
            scales=tuple(map(float, levels[0].scales)),
            aspect_ratios=tuple(map(float, levels[0].aspect_ratios)),
            clip=bool(levels[0].clip_boxes),
            variances=VARIANCES,
            largest_log_size=LARGEST_LOG_SIZE,
        ),
        suppression=Suppression(**{**values, "score_threshold": decoder.confidence_threshold}),
    )


def decoded_detector(model: Any, fused: Any, **described: str) -> ExportedOutputs:
    """What `predict` says, with boxes in xyxy, decoded and suppressed by the model's own layers.

    Args:
        model: detector with a `bounding_box_format`.
        fused: its `InferenceModel`.
        **described: outputs beside those of boxes.
    """

    def call(images: Any) -> dict[str, Any]:
        found = fused.finish_predictions(fused(images, training=False), images)
        shape = tuple(images.shape[1:])
        boxes = convert_boxes(found["boxes"], model.bounding_box_format, "xyxy", shape)
        real = ops.expand_dims(found["classes"] >= 0, -1)
        return {**found, "boxes": ops.where(real, boxes, -1.0)}

    return ExportedOutputs(call, {**DETECTIONS, **described}, are_raw=False)


def detector_with_kernel(model: RetinaNet, fused: Any) -> ExportedOutputs:
    """The same by TensorFlow's operation for it, which ONNX has and LiteRT has not.

    Raises:
        ExportError: as `raw_detector`.
    """
    raw = raw_detector(model, fused)
    assert raw.suppression is not None
    chosen = raw.suppression

    def call(images: Any) -> dict[str, Any]:
        outputs, shape = raw.call(images), tuple(images.shape[1:])
        anchors = model.anchor_generator(image_shape=shape)
        anchors = convert_boxes(
            ops.concatenate(list(anchors.values())),
            model.anchor_generator.bounding_box_format,
            "yxyx",
            shape,
        )
        boxes, scores, classes, counts = tf.image.combined_non_max_suppression(
            decode_boxes(outputs["box"], anchors)[:, :, None],
            ops.sigmoid(outputs["classification"]),
            chosen.max_detections_per_class,
            chosen.max_detections,
            chosen.iou_threshold,
            chosen.score_threshold,
            clip_boxes=False,
        )
        real = tf.range(chosen.max_detections) < counts[:, None]
        return {
            "boxes": tf.where(real[..., None], tf.gather(boxes, [1, 0, 3, 2], axis=-1), -1.0),
            "confidence": tf.where(real, scores, -1.0),
            "classes": tf.where(real, classes, -1.0),
            "num_detections": counts,
        }

    return ExportedOutputs(call, DETECTIONS, are_raw=False)
