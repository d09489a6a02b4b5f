"""The masks that the second stage of Mask R-CNN learns (arXiv:1703.06870, section 3)."""

from typing import Any

import keras
from keras import ops

from keras_effspine.layers.region_layer import RegionLayer
from keras_effspine.layers.roi_align import roi_align

UNKNOWN = 255
"""The value of a crop whose mask is not known: the label of what is not learnt from."""


@keras.saving.register_keras_serializable(package="keras_effspine")
class MaskTargets(RegionLayer):
    """What lies of each region's object in the region, resampled from a crop of the object's box.

    Args:
        size: height and width of a target.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        regions: `(batch, regions, 4)`, yxyx in pixels.
        matched: int `(batch, regions)`, index of the box of each.
        boxes: `(batch, boxes, 4)`, yxyx in pixels; there may be one index more than boxes.
        masks: `(batch, boxes, rows, columns)`, of each box what lies in it: 1 on the object, 0
            beside it, `UNKNOWN` throughout where that is not known.

    Returns:
        Dictionary of `"masks"` float32 `(batch, regions, size, size)`, 1 or 0, and `"known"`
        `(batch, regions)`, 1 or 0.
    """

    def __init__(self, size: int = 28, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = size

    def call(self, regions: Any, matched: Any, boxes: Any, masks: Any) -> dict[str, Any]:
        rows, columns = masks.shape[2:]
        count = regions.shape[1]
        boxes = ops.pad(ops.cast(boxes, "float32"), ((0, 0), (0, 1), (0, 0)))
        masks = ops.pad(masks, ((0, 0), (0, 1), (0, 0), (0, 0)))
        box = ops.take_along_axis(boxes, matched[..., None], axis=1)
        flat = ops.reshape(masks, (-1, boxes.shape[1], rows * columns))
        crops = _rows(flat, matched)
        known = crops[..., 0] != UNKNOWN
        # The region in pixels of the crop: a crop is a map of stride 1 with one box.
        size = ops.maximum(box[..., 2:] - box[..., :2], 1e-3)
        scale = ops.convert_to_tensor([rows, columns], "float32") / size
        low, high = ((x - box[..., :2]) * scale for x in (regions[..., :2], regions[..., 2:]))
        xyxy = ops.stack([low[..., 1], low[..., 0], high[..., 1], high[..., 0]], axis=-1)
        crops = ops.reshape(ops.cast(crops, "float32"), (-1, rows, columns, 1))
        found = roi_align({0: crops}, ops.reshape(xyxy, (-1, 1, 4)), self.size, samples=1)
        found = ops.reshape(found, (-1, count, self.size, self.size))
        return {
            "masks": ops.cast(found >= 0.5, "float32"),
            "known": ops.cast(known, "float32"),
        }

    def compute_output_spec(self, regions: Any, *args: Any) -> dict[str, Any]:
        batch, count = regions.shape[:2]
        return {
            "masks": keras.KerasTensor((batch, count, self.size, self.size), "float32"),
            "known": keras.KerasTensor((batch, count), "float32"),
        }

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size}


def _rows(values: Any, index: Any) -> Any:
    """Rows `(batch, n, k)` of values `(batch, m, k)` at indices `(batch, n)`."""
    _, rows, width = values.shape
    first = ops.expand_dims(ops.arange(ops.shape(values)[0], dtype="int32") * rows, 1)
    return ops.take(ops.reshape(values, (-1, width)), ops.cast(index, "int32") + first, axis=0)
