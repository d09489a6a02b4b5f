"""The regions that the second stage of a two-stage detector learns from."""

from typing import Any

import keras
from keras import ops

from keras_effspine.layers.boxes import encode_boxes, intersection_over_union
from keras_effspine.layers.random_choice import choose_at_random
from keras_effspine.layers.region_layer import RegionLayer
from keras_effspine.layers.replicas import ReplicaSeedGenerator


@keras.saving.register_keras_serializable(package="keras_effspine")
class RegionSampler(RegionLayer):
    """Draws regions from the proposals and the annotated boxes, and says what each is to become.

    A region is foreground where it overlaps a box by `foreground_iou`, otherwise background. The
    foreground comes first. Where an image has too few regions, the rest are places that weigh
    nothing: they are nobody's background. No gradient passes.

    Args:
        count: number of regions of an image.
        foreground_share: greatest share of foreground.
        foreground_iou: intersection over union from which a region is foreground.
        seed: int, or None.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        proposals: `(batch, proposals, 4)`, yxyx in pixels; one without area is none.
        boxes: `(batch, boxes, 4)`, yxyx in pixels.
        classes: `(batch, boxes)`, -1 where there is no object.

    Returns:
        Dictionary of `"regions"` `(batch, count, 4)`, yxyx; `"matched"` int32 `(batch, count)`, the
        index of the box that each overlaps most; `"classes"` int32 `(batch, count)`, 0 for
        background and otherwise the class plus 1; `"deltas"` `(batch, count, 4)`, the differences
        of the foreground to its box, with `VARIANCES`; `"sampled"` and `"foreground"`
        `(batch, count)`, 1 for what counts, and for the foreground of it.
    """

    def __init__(
        self,
        count: int = 512,
        foreground_share: float = 0.25,
        foreground_iou: float = 0.5,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.count = count
        self.foreground_share = foreground_share
        self.foreground_iou = foreground_iou
        self.seed = seed
        self.seed_generator = ReplicaSeedGenerator(seed)

    @property
    def most_foreground(self) -> int:
        """Greatest number of foreground regions of an image; they are the first ones."""
        return int(self.count * self.foreground_share)

    def call(self, proposals: Any, boxes: Any, classes: Any) -> dict[str, Any]:
        # A box more, without area, keeps the arithmetic defined where there are none at all.
        boxes = ops.pad(ops.cast(boxes, "float32"), ((0, 0), (0, 1), (0, 0)))
        classes = ops.pad(ops.cast(classes, "int32"), ((0, 0), (0, 1)), constant_values=-1)
        real = ops.logical_and(classes >= 0, _has_area(boxes))
        regions = ops.stop_gradient(
            ops.concatenate([proposals, ops.where(real[..., None], boxes, 0.0)], axis=1)
        )
        regions = ops.pad(regions, ((0, 0), (0, max(0, self.count - regions.shape[1])), (0, 0)))
        usable = _has_area(regions)
        overlap = ops.where(real[:, None], intersection_over_union(regions, boxes), 0.0)
        is_object = ops.logical_and(ops.max(overlap, axis=2) >= self.foreground_iou, usable)

        noise = keras.random.uniform(ops.shape(is_object), seed=self.seed_generator)
        foreground = choose_at_random(is_object, noise, self.most_foreground)
        background = ops.logical_and(usable, ops.logical_not(is_object))
        order = noise + 2.0 * _as_float(foreground) + _as_float(background)
        order = ops.where(ops.logical_or(foreground, background), order, -1.0)
        order, chosen = ops.top_k(order, self.count)
        regions = ops.take_along_axis(regions, chosen[..., None], axis=1)
        matched = ops.take_along_axis(ops.argmax(overlap, axis=2), chosen, axis=1)
        foreground = order >= 2.0
        target = ops.take_along_axis(boxes, matched[..., None], axis=1)
        wanted = ops.take_along_axis(classes, matched, axis=1) + 1
        return {
            "regions": regions,
            "matched": ops.cast(matched, "int32"),
            "classes": ops.where(foreground, wanted, 0),
            "deltas": _deltas(regions, target, foreground),
            "sampled": _as_float(order >= 0.0),
            "foreground": _as_float(foreground),
        }

    def compute_output_spec(self, proposals: Any, boxes: Any, classes: Any) -> dict[str, Any]:
        shape = (proposals.shape[0], self.count)
        kinds = {
            "regions": ((4,), "float32"),
            "matched": ((), "int32"),
            "classes": ((), "int32"),
            "deltas": ((4,), "float32"),
            "sampled": ((), "float32"),
            "foreground": ((), "float32"),
        }
        return {
            name: keras.KerasTensor((*shape, *rest), kind) for name, (rest, kind) in kinds.items()
        }

    def get_config(self) -> dict[str, Any]:
        names = ("count", "foreground_share", "foreground_iou", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def _has_area(boxes: Any) -> Any:
    return ops.all(boxes[..., 2:] > boxes[..., :2], axis=-1)


def _as_float(chosen: Any) -> Any:
    return ops.cast(chosen, "float32")


def _deltas(regions: Any, target: Any, foreground: Any) -> Any:
    """Differences of the foreground; 0 elsewhere, where sizes of 0 have no logarithm."""
    unit = ops.convert_to_tensor([0.0, 0.0, 1.0, 1.0])
    keep = foreground[..., None]
    return encode_boxes(ops.where(keep, target, unit), ops.where(keep, regions, unit))
