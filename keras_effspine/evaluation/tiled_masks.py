"""Masks and label maps of overlapping tiles of a picture, made one."""

from collections.abc import Sequence

import numpy as np
import pycocotools.mask

from keras_effspine.data.run_lengths import crop_run_lengths, decoded
from keras_effspine.evaluation.coco_instances import Instances
from keras_effspine.evaluation.tiled_boxes import join_tiles


def merge_instances(
    outputs: Sequence[Instances], windows: np.ndarray, height: int, width: int
) -> Instances:
    """As `tiled_boxes.merge_boxes`, with masks: of parts that are put together, their union.

    Args:
        outputs: `Instances` with scores of each tile, in pixels of the tile.
        windows, height, width: as in `tiled_boxes.join_tiles`.

    Returns:
        `Instances` in pixels of the picture, the best first.
    """
    found = join_tiles(outputs, windows, height, width)
    own = [(mask, tile) for tile, output in enumerate(outputs) for mask in output.masks]

    def moved(index):
        mask, tile = own[index]
        left, top, columns, rows = np.asarray(windows)[tile].tolist()
        return crop_run_lengths(decoded(mask)[:rows, :columns], left, top, width, height)

    masks = []
    for members in found.members:
        parts = [moved(index) for index in members]
        masks.append(parts[0] if len(parts) == 1 else _union(parts))
    return Instances(
        boxes=found.boxes,
        classes=found.classes,
        scores=found.scores,
        masks=tuple(masks),
        is_cut=any(output.is_cut for output in outputs),
    )


def merge_maps(
    outputs: Sequence[np.ndarray], windows: np.ndarray, height: int, width: int
) -> np.ndarray:
    """The label map of a picture: each pixel as the tile sees it that has most around it.

    Args:
        outputs: uint8 `(rows, columns)` of each tile.
        windows, height, width: as in `tiled_boxes.join_tiles`. A tile as large as the picture is
            taken where it is the only one.

    Returns:
        uint8 `(height, width)`.
    """
    merged = np.zeros((height, width), "uint8")
    deepest = np.full((height, width), -1.0, "float32")
    for output, (left, top, columns, rows) in zip(outputs, np.asarray(windows), strict=True):
        if len(outputs) > 1 and (columns, rows) == (width, height):
            continue
        down = _depth(top, rows, height)
        across = _depth(left, columns, width)
        depth = np.minimum(down[:, None], across[None])
        here = slice(top, top + rows), slice(left, left + columns)
        is_deeper = depth > deepest[here]
        merged[here][is_deeper] = output[:rows, :columns][is_deeper]
        deepest[here][is_deeper] = depth[is_deeper]
    return merged


def _depth(first: int, count: int, length: int) -> np.ndarray:
    """Pixels up to the nearer edge of a tile that is no edge of the picture, float32 `(count,)`."""
    at = np.arange(count, dtype="float32")
    before = at if first > 0 else np.full(count, np.inf, "float32")
    behind = at[::-1] if first + count < length else np.full(count, np.inf, "float32")
    return np.minimum(before, behind)


def _union(masks: list[dict]) -> dict:
    merged = pycocotools.mask.merge(masks)
    return {"size": masks[0]["size"], "counts": merged["counts"].decode("ascii")}
