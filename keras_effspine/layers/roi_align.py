"""RoIAlign (arXiv:1703.06870, section 3) over the levels of a pyramid, in plain operations."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from keras_effspine.layers.region_layer import RegionLayer


def roi_align(
    features: Mapping[int, Any],
    boxes: Any,
    size: int,
    samples: int = 2,
    canonical_size: float = 224.0,
    canonical_level: int = 4,
) -> Any:
    """Crops each box out of the level that suits its size.

    A box is cut into `size` x `size` bins; a bin is the mean of `samples` x `samples` points,
    interpolated bilinearly. Coordinates are aligned: the middle of a level's first cell lies at
    half its stride, so that a box is moved by half a pixel against the first RoIAlign
    (onnxruntime issue 6921). Points more than a cell outside of the map are zero, as in
    torchvision's operator with `aligned=True`, whose results these are.

    Interpolation along y and along x are two products with matrices of weights, instead of
    gathered corners: the same numbers, in kernels that every backend, XLA and TPUs have, and with
    a gradient that scatters nothing. All shapes are static.

    Args:
        features: dictionary from level `l`, whose stride is `2**l`, to `(batch, height, width,
            channels)`.
        boxes: `(batch, boxes, 4)`, `xyxy` in pixels of the input. No gradient goes to them. A box
            without area is one point.
        size: bins along each side.
        samples: points of a bin along each side.
        canonical_size: side in pixels of the square box that belongs to `canonical_level`. The
            level is `floor(canonical_level + log2(sqrt(width * height) / canonical_size))` within
            the levels that there are (equation 1 of arXiv:1612.03144). At 224 and 512 px of input
            P6 and P7 are never used.
        canonical_level: see there.

    Returns:
        `(batch, boxes, size, size, channels)` in the features' dtype.
    """
    boxes = ops.stop_gradient(ops.cast(boxes, "float32"))
    level_of = roi_levels(boxes, min(features), max(features), canonical_size, canonical_level)
    crops = 0.0
    for level, x in features.items():
        height, width = x.shape[1:3]
        mine = ops.cast(ops.equal(level_of, level), "float32")[..., None, None]
        scaled = boxes / 2.0**level
        # Boxes of other levels weigh nothing, so that the sum over levels takes each from its own.
        down = mine * _weights(scaled[..., 1], scaled[..., 3], height, size, samples)
        across = _weights(scaled[..., 0], scaled[..., 2], width, size, samples)
        rows = ops.einsum("bnph,bhwc->bnpwc", ops.cast(down, x.dtype), x)
        crops = crops + ops.einsum("bnqw,bnpwc->bnpqc", ops.cast(across, x.dtype), rows)
    return crops


@keras.saving.register_keras_serializable(package="keras_effspine")
class RoiAlign(RegionLayer):
    """`roi_align` as a layer, on a pyramid and boxes in yxyx.

    Args:
        size: bins along each side.
        levels: levels of the maps, in their order.
        canonical_size: side in pixels of the box that belongs to level 4.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        pyramid: list of maps `(batch, height, width, channels)`, one a level.
        boxes: `(batch, boxes, 4)`, yxyx in pixels.

    Returns:
        `(batch, boxes, size, size, channels)` in the maps' dtype.
    """

    def __init__(
        self, size: int, levels: Sequence[int], canonical_size: float = 224.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.size = size
        self.levels = tuple(levels)
        self.canonical_size = canonical_size

    def call(self, pyramid: Sequence[Any], boxes: Any) -> Any:
        features = dict(zip(self.levels, pyramid, strict=True))
        xyxy = ops.take(boxes, [1, 0, 3, 2], axis=-1)
        return roi_align(features, xyxy, self.size, canonical_size=self.canonical_size)

    def compute_output_spec(self, pyramid: Sequence[Any], boxes: Any) -> Any:
        shape = (*boxes.shape[:2], self.size, self.size, pyramid[0].shape[-1])
        return keras.KerasTensor(shape, pyramid[0].dtype)

    def get_config(self) -> dict[str, Any]:
        names = ("size", "levels", "canonical_size")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def roi_levels(
    boxes: Any,
    lowest: int,
    highest: int,
    canonical_size: float = 224.0,
    canonical_level: int = 4,
) -> Any:
    """The level that each box `(..., 4)`, `xyxy` in pixels, is cropped from: int32 `(...)`."""
    area = ops.maximum(boxes[..., 2] - boxes[..., 0], 0.0) * ops.maximum(
        boxes[..., 3] - boxes[..., 1], 0.0
    )
    side = ops.sqrt(ops.maximum(area, 1e-6))
    # The smallest addition keeps a side that is exactly a power of two on its own level.
    level = canonical_level + ops.floor(ops.log2(side / canonical_size + 1e-6))
    return ops.cast(ops.clip(level, lowest, highest), "int32")


def _weights(low: Any, high: Any, length: int, size: int, samples: int) -> Any:
    """What each cell along one side counts in each bin: `(batch, boxes, size, length)`.

    Args:
        low, high: `(batch, boxes)`, the sides of the boxes in cells.
    """
    points = (ops.arange(size * samples, dtype="float32") + 0.5) / (size * samples)
    at = low[..., None] - 0.5 + (high - low)[..., None] * points
    inside = ops.cast(ops.logical_and(at >= -1.0, at <= length), "float32")
    at = ops.clip(at, 0.0, length - 1.0)[..., None]
    cells = ops.arange(length, dtype="float32")
    weights = ops.maximum(1.0 - ops.abs(at - cells), 0.0) * inside[..., None]
    batch, boxes = ops.shape(low)
    return ops.mean(ops.reshape(weights, (batch, boxes, size, samples, length)), axis=3)
