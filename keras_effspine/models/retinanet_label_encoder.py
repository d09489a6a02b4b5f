"""Training targets of RetinaNet: which anchor stands for which box."""

from collections.abc import Mapping
from typing import Any, Self

import keras
from keras import ops

from keras_effspine.layers.boxes import convert_boxes, encode_boxes, intersection_over_union
from keras_effspine.layers.one_pass import one_pass

IGNORED = -2.0
BACKGROUND = -1.0

_TIE = 1e-4
"""Relative difference within which two overlaps are equal: above the rounding of float32."""

_TIE_PIXELS = 0.01
"""Difference within which two distances are equal: anchors of one place share its center."""


@keras.saving.register_keras_serializable(package="keras_effspine")
class RetinaNetLabelEncoder(keras.layers.Layer):
    """Matches anchors to boxes by intersection over union (IoU) and encodes the differences.

    An anchor is positive from `positive_threshold` on, background below `negative_threshold`, and
    ignored between. Unlike keras-cv's encoder each box also claims the anchors that overlap it
    most (`force_match`), as in the public SpineNet code: small and slender boxes would otherwise
    never be trained. Works in float32 under any precision policy, and on batches without boxes.

    Args:
        bounding_box_format: keras-cv format of the boxes.
        anchor_generator: `keras_cv.layers.AnchorGenerator`.
        positive_threshold: IoU from which an anchor is positive.
        negative_threshold: IoU below which an anchor is background.
        force_match: whether each box claims its best anchors whatever their IoU.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        images: `(batch, height, width, channels)`, read for its shape; height and width are static.
        box_labels: dictionary of `"boxes"` `(batch, boxes, 4)` and `"classes"` `(batch, boxes)`,
            padded with class -1.

    Returns:
        Pair of box targets `(batch, anchors, 4)`, center_yxhw differences, and class targets
        `(batch, anchors)`: a class index, -1 for background, -2 for ignored.
    """

    def __init__(
        self,
        bounding_box_format,
        anchor_generator,
        positive_threshold=0.5,
        negative_threshold=0.4,
        force_match=True,
        **kwargs,
    ):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.bounding_box_format = bounding_box_format
        self.anchor_generator = anchor_generator
        self.positive_threshold = positive_threshold
        self.negative_threshold = negative_threshold
        self.force_match = force_match
        self._match = one_pass(self._targets)
        self.boxes_matched = _UnsavedMean(name="boxes_matched")
        self.built = True

    def call(self, images: Any, box_labels: Mapping[str, Any]) -> tuple[Any, Any]:
        image_shape = tuple(images.shape[1:])
        anchors = ops.concatenate(list(self.anchor_generator(image_shape=image_shape).values()), 0)
        anchors = convert_boxes(
            anchors, self.anchor_generator.bounding_box_format, "yxyx", image_shape
        )
        classes = ops.cast(box_labels["classes"], "float32")
        boxes = convert_boxes(box_labels["boxes"], self.bounding_box_format, "yxyx", image_shape)
        # A column of padding keeps the arithmetic defined where a batch has no boxes at all.
        boxes = ops.pad(boxes, ((0, 0), (0, 1), (0, 0)))
        classes = ops.pad(classes, ((0, 0), (0, 1)), constant_values=BACKGROUND)
        box_targets, class_targets, best_of_box = self._match(anchors, boxes, classes)
        self._count_matches(best_of_box, classes)
        return box_targets, class_targets

    def _targets(self, anchors, boxes, classes):
        """Targets of boxes and classes, and the overlap of each box with its best anchor."""
        overlap = intersection_over_union(anchors, boxes)
        overlap = ops.where(ops.expand_dims(classes >= 0, 1), overlap, 0.0)
        best_of_box = ops.max(overlap, axis=1, keepdims=True)
        if self.force_match:
            # A small box lies inside many anchors of one size, which then overlap it equally: of
            # these it claims the nearest.
            tied = ops.logical_and(overlap >= best_of_box * (1 - _TIE), overlap > 0)
            distance = ops.where(tied, _distance(anchors, boxes), float("inf"))
            nearest = ops.min(distance, axis=1, keepdims=True)
            claimed = ops.logical_and(tied, distance <= nearest + _TIE_PIXELS)
            overlap = ops.where(claimed, overlap + 1.0, overlap)
        matched = ops.argmax(overlap, axis=2)
        best = ops.max(overlap, axis=2)

        matched_boxes = ops.take_along_axis(boxes, ops.expand_dims(matched, -1), axis=1)
        matched_classes = ops.take_along_axis(classes, matched, axis=1)
        class_targets = ops.where(
            best >= self.positive_threshold,
            matched_classes,
            ops.where(best < self.negative_threshold, BACKGROUND, IGNORED),
        )
        return encode_boxes(matched_boxes, anchors), class_targets, best_of_box[:, 0]

    def _count_matches(self, best_of_box, classes):
        """Share of the boxes that have an anchor above the threshold without being forced."""
        self.boxes_matched.update_state(
            ops.reshape(ops.cast(best_of_box >= self.positive_threshold, "float32"), (-1,)),
            sample_weight=ops.reshape(ops.cast(classes >= 0, "float32"), (-1,)),
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "bounding_box_format": self.bounding_box_format,
            "anchor_generator": keras.saving.serialize_keras_object(self.anchor_generator),
            "positive_threshold": self.positive_threshold,
            "negative_threshold": self.negative_threshold,
            "force_match": self.force_match,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        config = dict(config)
        config["anchor_generator"] = keras.saving.deserialize_keras_object(
            config["anchor_generator"]
        )
        return cls(**config)


class _UnsavedMean(keras.metrics.Mean):
    """A mean that stays out of weight files: it says nothing of the model."""

    def save_own_variables(self, store):
        pass

    def load_own_variables(self, store):
        pass


def _distance(anchors, boxes):
    """City-block distance of the centers, in pixels: `(batch, anchors, boxes)`."""
    center_a, center_b = ((b[..., :2] + b[..., 2:]) / 2 for b in (anchors, boxes))
    return ops.sum(ops.abs(ops.expand_dims(center_a, 1) - ops.expand_dims(center_b, 1)), axis=-1)
