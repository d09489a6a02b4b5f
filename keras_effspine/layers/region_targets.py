"""What the first stage of a two-stage detector learns (arXiv:1506.01497, section 3.1.2)."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_effspine.layers.anchors import pyramid_anchors
from keras_effspine.layers.boxes import encode_boxes, intersection_over_union
from keras_effspine.layers.random_choice import choose_at_random
from keras_effspine.layers.region_layer import RegionLayer
from keras_effspine.layers.region_proposals import UNSCALED
from keras_effspine.layers.replicas import ReplicaSeedGenerator

_TIE = 1e-4
"""Relative difference within which two overlaps are equal: above the rounding of float32."""


@keras.saving.register_keras_serializable(package="keras_effspine")
class RegionTargets(RegionLayer):
    """Which anchors are learnt from, and what they are to say.

    An anchor is positive from `positive_iou` on, and where no anchor overlaps a box more; it is
    negative below `negative_iou`. Of both together `count` are drawn for each image, at most
    `positive_share` of them positive.

    Args:
        levels: levels of the anchors, in their order.
        size_over_stride, aspect_ratios: of the anchors; see `pyramid_anchors`.
        count: number of anchors that an image learns from.
        positive_share: greatest share of positive ones.
        positive_iou: intersection over union from which an anchor is positive.
        negative_iou: below it an anchor is negative.
        seed: int, or None.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        images: `(batch, height, width, channels)`, read for their static size.
        boxes: float32 `(batch, boxes, 4)`, yxyx in pixels.
        classes: `(batch, boxes)`, -1 where there is no object.

    Returns:
        Dictionary of `"objectness"` `(batch, anchors, 1)`, 1 or 0; `"deltas"`
        `(batch, anchors, 4)`; and of `"sampled"` and `"positive"`, `(batch, anchors)`, 1 for the
        anchors that were drawn, and for the positive ones of them.
    """

    def __init__(
        self,
        levels: Sequence[int],
        size_over_stride: float,
        aspect_ratios: Sequence[float],
        count: int = 256,
        positive_share: float = 0.5,
        positive_iou: float = 0.7,
        negative_iou: float = 0.3,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.levels = tuple(levels)
        self.size_over_stride = size_over_stride
        self.aspect_ratios = tuple(aspect_ratios)
        self.count = count
        self.positive_share = positive_share
        self.positive_iou = positive_iou
        self.negative_iou = negative_iou
        self.seed = seed
        self.seed_generator = ReplicaSeedGenerator(seed)

    def call(self, images: Any, boxes: Any, classes: Any) -> dict[str, Any]:
        anchors = ops.convert_to_tensor(self._anchors(images.shape[1:3]))
        # A box more, without area, keeps the arithmetic defined where there are none at all.
        boxes = ops.pad(ops.cast(boxes, "float32"), ((0, 0), (0, 1), (0, 0)))
        real = ops.logical_and(
            ops.pad(classes >= 0, ((0, 0), (0, 1))),
            ops.all(boxes[..., 2:] > boxes[..., :2], axis=-1),
        )
        overlap = intersection_over_union(anchors, boxes)
        overlap = ops.where(real[:, None], overlap, 0.0)
        best = ops.max(overlap, axis=2)
        best_of_box = ops.max(overlap, axis=1, keepdims=True)
        tied = overlap >= best_of_box * (1 - _TIE)
        claimed = ops.any(ops.logical_and(tied, overlap > 0), axis=2)
        positive = ops.logical_or(best >= self.positive_iou, claimed)
        negative = ops.logical_and(best < self.negative_iou, ops.logical_not(positive))

        shape = (2, *ops.shape(best))
        noise = keras.random.uniform(shape, seed=self.seed_generator)
        positive = choose_at_random(positive, noise[0], int(self.count * self.positive_share))
        chosen = ops.sum(ops.cast(positive, "int32"), axis=1, keepdims=True)
        negative = choose_at_random(negative, noise[1], self.count, self.count - chosen)
        matched = ops.take_along_axis(boxes, ops.argmax(overlap, axis=2)[..., None], axis=1)
        return {
            "objectness": ops.cast(positive, "float32")[..., None],
            "deltas": encode_boxes(
                ops.where(positive[..., None], matched, anchors), anchors, UNSCALED
            ),
            "sampled": ops.cast(ops.logical_or(positive, negative), "float32"),
            "positive": ops.cast(positive, "float32"),
        }

    def _anchors(self, image_size: Sequence[int]) -> np.ndarray:
        by_level = pyramid_anchors(
            image_size, self.levels, self.size_over_stride, self.aspect_ratios
        )
        return np.concatenate(list(by_level.values()))

    def compute_output_spec(self, images: Any, boxes: Any, classes: Any) -> dict[str, Any]:
        batch, size = images.shape[0], images.shape[1:3]
        count = None
        if None not in size:
            count = len(self._anchors(size))
        shapes = {"objectness": (1,), "deltas": (4,), "sampled": (), "positive": ()}
        return {
            name: keras.KerasTensor((batch, count, *rest), "float32")
            for name, rest in shapes.items()
        }

    def get_config(self) -> dict[str, Any]:
        names = (
            *("levels", "size_over_stride", "aspect_ratios", "count", "positive_share"),
            *("positive_iou", "negative_iou", "seed"),
        )
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
