"""From the first stage's predictions to proposals (Faster R-CNN, arXiv:1506.01497, section 3)."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_effspine.layers.anchors import pyramid_anchors
from keras_effspine.layers.boxes import clip_boxes, decode_boxes
from keras_effspine.layers.non_max_suppression import non_max_suppression
from keras_effspine.layers.region_layer import RegionLayer

UNSCALED = (1.0, 1.0, 1.0, 1.0)
"""The first stage's box differences are divided by nothing (public R-CNN code)."""


@keras.saving.register_keras_serializable(package="keras_effspine")
class RegionProposals(RegionLayer):
    """The boxes that most look like objects, of any class.

    Of each level the best anchors are decoded, clipped to the image, and suppressed among
    themselves; the best of what is left on all levels are the proposals. No gradient passes.

    Args:
        levels: levels of the predictions, in their order.
        size_over_stride, aspect_ratios: of the anchors; see `pyramid_anchors`.
        count: number of proposals.
        candidates: greatest number of a level's boxes before suppression.
        training_candidates: the same in training.
        iou_threshold: of suppression.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        objectness: logits `(batch, anchors, 1)`.
        deltas: `(batch, anchors, 4)`, differences as `encode_boxes` makes them without variances.
        images: `(batch, height, width, channels)`, read for their static size.

    Returns:
        float32 `(batch, count, 4)`, yxyx in pixels, the best first; what is missing has no area.
    """

    def __init__(
        self,
        levels: Sequence[int],
        size_over_stride: float,
        aspect_ratios: Sequence[float],
        count: int = 1000,
        candidates: int = 1000,
        training_candidates: int = 2000,
        iou_threshold: float = 0.7,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.levels = tuple(levels)
        self.size_over_stride = size_over_stride
        self.aspect_ratios = tuple(aspect_ratios)
        self.count = count
        self.candidates = candidates
        self.training_candidates = training_candidates
        self.iou_threshold = iou_threshold

    def call(self, objectness: Any, deltas: Any, images: Any, training: bool | None = None) -> Any:
        most = self.training_candidates if training else self.candidates
        found, start = [], 0
        for anchors in pyramid_anchors(
            images.shape[1:3], self.levels, self.size_over_stride, self.aspect_ratios
        ).values():
            rows = slice(start, start + len(anchors))
            start += len(anchors)
            found.append(
                self._of_level(objectness[:, rows, 0], deltas[:, rows], anchors, images.shape, most)
            )
        boxes, scores = (ops.concatenate(parts, axis=1) for parts in zip(*found, strict=True))
        missing = max(0, self.count - scores.shape[1])
        boxes = ops.pad(boxes, ((0, 0), (0, missing), (0, 0)))
        scores = ops.pad(scores, ((0, 0), (0, missing)), constant_values=float("-inf"))
        _, best = ops.top_k(scores, self.count)
        return ops.take_along_axis(boxes, best[..., None], axis=1)

    def _of_level(
        self, scores: Any, deltas: Any, anchors: Any, image_shape: tuple, most: int
    ) -> tuple[Any, Any]:
        """Boxes `(batch, n, 4)` of a level and their scores, -inf where there is none."""
        scores, best = ops.top_k(ops.stop_gradient(scores), min(most, scores.shape[1]))
        deltas = ops.take_along_axis(ops.stop_gradient(deltas), best[..., None], axis=1)
        boxes = decode_boxes(deltas, ops.take(anchors, best, axis=0), UNSCALED)
        boxes = clip_boxes(boxes, image_shape[1:3])
        has_area = ops.all(boxes[..., 2:] > boxes[..., :2], axis=-1)
        kept = non_max_suppression(
            boxes,
            ops.where(has_area, scores, float("-inf"))[..., None],
            iou_threshold=self.iou_threshold,
            max_detections=min(self.count, scores.shape[1]),
        )
        real = kept["classes"] >= 0
        return (
            ops.where(real[..., None], kept["boxes"], 0.0),
            ops.where(real, kept["confidence"], float("-inf")),
        )

    def compute_output_spec(self, objectness: Any, *args: Any, **kwargs: Any) -> Any:
        return keras.KerasTensor((objectness.shape[0], self.count, 4), "float32")

    def get_config(self) -> dict[str, Any]:
        names = (
            *("levels", "size_over_stride", "aspect_ratios", "count", "candidates"),
            *("training_candidates", "iou_threshold"),
        )
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
