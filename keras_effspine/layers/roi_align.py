"""RoIAlign (arXiv:1703.06870, section 3) over the levels of a pyramid, in plain operations."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_effspine.layers.one_pass import runs_on_one_cpu
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

    Interpolation along y and along x are two products with matrices of weights: kernels that every
    backend, XLA and TPUs have, and a gradient that scatters nothing. On a single CPU, where the
    zeros of those matrices cost time, the corners are gathered instead: the same numbers. All
    shapes are static.

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
    crop = _gathered_crops if runs_on_one_cpu() else _multiplied_crops
    return crop(features, boxes, level_of, size, samples)


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


def _multiplied_crops(
    features: Mapping[int, Any], boxes: Any, level_of: Any, size: int, samples: int
) -> Any:
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


def _weights(low: Any, high: Any, length: int, size: int, samples: int) -> Any:
    """What each cell along one side counts in each bin: `(batch, boxes, size, length)`.

    Args:
        low, high: `(batch, boxes)`, the sides of the boxes in cells.
    """
    at, inside = _points(low, high, float(length), size, samples)
    cells = ops.arange(length, dtype="float32")
    weights = ops.maximum(1.0 - ops.abs(at[..., None] - cells), 0.0) * inside[..., None]
    batch, boxes = ops.shape(low)
    return ops.mean(ops.reshape(weights, (batch, boxes, size, samples, length)), axis=3)


def _gathered_crops(
    features: Mapping[int, Any], boxes: Any, level_of: Any, size: int, samples: int
) -> Any:
    maps = list(features.values())
    channels = maps[0].shape[-1]
    heights, widths = zip(*(x.shape[1:3] for x in maps), strict=True)
    starts = np.cumsum([0, *np.multiply(heights, widths)])
    # All maps of all images as one list of cells.
    cells = ops.concatenate(
        [ops.reshape(x, (-1, n, channels)) for x, n in zip(maps, np.diff(starts), strict=True)],
        axis=1,
    )
    batch, count = ops.shape(boxes)[:2]
    which = level_of - min(features)
    height, width, start = (
        ops.take(ops.convert_to_tensor(numbers, "int32"), which)
        for numbers in (heights, widths, starts[:-1])
    )
    start = start + int(starts[-1]) * ops.arange(batch, dtype="int32")[:, None]
    scaled = boxes / ops.expand_dims(ops.power(2.0, ops.cast(level_of, "float32")), -1)
    rows, down = _corners(scaled[..., 1], scaled[..., 3], height, size, samples)
    columns, across = _corners(scaled[..., 0], scaled[..., 2], width, size, samples)
    # Of each bin its points' corners: (batch, boxes, bins down, bins across, corners, corners).
    rows, down = (x[:, :, :, None, :, None] for x in (rows, down))
    columns, across = (x[:, :, None, :, None, :] for x in (columns, across))
    start, width = (ops.reshape(x, (batch, count, 1, 1, 1, 1)) for x in (start, width))
    corners = (2 * samples) ** 2
    places = ops.reshape(start + rows * width + columns, (-1, corners))
    weights = ops.cast(ops.reshape(down * across, (-1, 1, corners)), cells.dtype)
    bins = ops.matmul(weights, ops.take(ops.reshape(cells, (-1, channels)), places, axis=0))
    return ops.reshape(bins, (batch, count, size, size, channels))


def _corners(low: Any, high: Any, length: Any, size: int, samples: int) -> tuple[Any, Any]:
    """The cells that count in each bin along one side, and how much.

    Args:
        low, high: `(batch, boxes)`, the sides of the boxes in cells.
        length: int32 `(batch, boxes)`, cells of the map that the box is cropped from.

    Returns:
        int32 and float32 `(batch, boxes, size, 2 * samples)`.
    """
    at, inside = _points(low, high, ops.cast(length, "float32")[..., None], size, samples)
    first = ops.floor(at)
    weights = ops.stack([1.0 - (at - first), at - first], axis=-1) * (inside / samples)[..., None]
    first = ops.cast(first, "int32")
    cells = ops.stack([first, ops.minimum(first + 1, length[..., None] - 1)], axis=-1)
    shape = (*ops.shape(low), size, 2 * samples)
    return ops.reshape(cells, shape), ops.reshape(weights, shape)


def _points(low: Any, high: Any, length: Any, size: int, samples: int) -> tuple[Any, Any]:
    """Where the points lie along one side, in cells, and 1 for those not far outside of the map."""
    points = (ops.arange(size * samples, dtype="float32") + 0.5) / (size * samples)
    at = low[..., None] - 0.5 + (high - low)[..., None] * points
    inside = ops.cast(ops.logical_and(at >= -1.0, at <= length), "float32")
    return ops.clip(at, 0.0, length - 1.0), inside
