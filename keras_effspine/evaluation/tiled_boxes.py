"""What was found in overlapping tiles of a picture, made one."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from keras_effspine.evaluation.coco_detection import Boxes

SAME_OBJECT = 0.5
"""Intersection over union, within what two tiles both show, from which two boxes are one object."""

_NEAR = 0.01
"""Share of a tile's side within which a box ends at the tile's edge."""


@dataclasses.dataclass(frozen=True, eq=False)
class Groups:
    """Detections of a picture, joined over its tiles.

    Args:
        members: of each object the indices of the detections that it was made of: one, or, where
            no tile shows the whole of it, its parts. The best object comes first.
        boxes: float64 `(objects, 4)`, `xywh` in pixels of the picture.
        classes: int `(objects,)`.
        scores: float64 `(objects,)`, the greatest of all detections of the object.
    """

    members: list[list[int]]
    boxes: np.ndarray
    classes: np.ndarray
    scores: np.ndarray


def join_tiles(outputs: Sequence[Boxes], windows: np.ndarray, height: int, width: int) -> Groups:
    """Joins detections of one object from different tiles, so that none is counted twice.

    What a tile cuts is left to the tile that shows all of it, and more, if there is one; and what
    is seen on the picture as a whole, where it is smaller than what neighbours share, to the tiles,
    of which one shows it whole.

    Of what remains, two detections of one class are one object where they agree on what both tiles
    show: their boxes, cut to the tiles' common part, overlap by half or more. Of an object the
    surest box that no tile cuts is kept. Where all are cut, since the object is larger than what
    tiles share, the parts are put together.

    Args:
        outputs: `Boxes` with scores of each tile, in pixels of the tile.
        windows: int `(tiles, 4)`, left, top, width, height in pixels of the picture, of what the
            picture fills of each tile.
        height, width: of the picture.

    Returns:
        `Groups`; indices count the detections of all tiles in order.
    """
    windows = np.asarray(windows, "float64").reshape(-1, 4)
    counts = [len(output.boxes) for output in outputs]
    tile = np.repeat(np.arange(len(outputs)), counts)
    corners = _corners(windows)[tile]
    boxes = _corners(np.concatenate([np.zeros((0, 4)), *(_rows(o.boxes) for o in outputs)]))
    boxes = np.minimum(boxes + np.tile(corners[:, :2], 2), np.tile(corners[:, 2:], 2))
    classes = np.concatenate([np.zeros(0, int), *(o.classes for o in outputs)]).astype(int)
    scores = np.concatenate([np.zeros(0), *(np.asarray(o.scores, "float64") for o in outputs)])
    is_cut = _cut(boxes, corners, height, width)
    is_left = _left_to_others(boxes, is_cut, tile, _corners(windows), (width, height))
    owner = np.full(len(boxes), -1)
    groups: list[list[int]] = []
    order = np.lexsort((np.arange(len(boxes)), -scores, is_cut))
    for one in order[~is_left[order]].tolist():
        near = (owner >= 0) & (classes == classes[one]) & (tile != tile[one])
        near[near] = _agreement(boxes[one], corners[one], boxes[near], corners[near]) >= SAME_OBJECT
        same = np.unique(owner[near]).tolist()
        whole = [group for group in same if not is_cut[groups[group][0]]]
        if not same:
            same = [len(groups)]
            groups.append([])
        # Of several objects the one with the surest detection; parts are all of one object.
        for group in [] if whole else same[1:]:
            groups[same[0]] += groups[group]
            groups[group] = []
        groups[(whole or same)[0]].append(one)
        for group in same:
            owner[groups[group]] = group
    groups = [group for group in groups if group]
    # The first of a group is whole, or all of them are cut.
    members = [group if is_cut[group[0]] else group[:1] for group in groups]
    joined = [
        np.concatenate([boxes[part, :2].min(axis=0), boxes[part, 2:].max(axis=0)])
        for part in members
    ]
    best = np.array([scores[group].max() for group in groups])
    by_score = np.argsort(-best, kind="stable").tolist()
    found = np.array([joined[i] for i in by_score], "float64").reshape(-1, 4)
    found[:, 2:] -= found[:, :2]
    return Groups(
        members=[members[i] for i in by_score],
        boxes=found,
        classes=np.array([classes[groups[i][0]] for i in by_score], int),
        scores=best[by_score],
    )


def merge_boxes(outputs: Sequence[Boxes], windows: np.ndarray, height: int, width: int) -> Boxes:
    """As `join_tiles`, as `Boxes` in pixels of the picture, the best first."""
    found = join_tiles(outputs, windows, height, width)
    return Boxes(found.boxes, found.classes, found.scores)


def _rows(boxes: np.ndarray) -> np.ndarray:
    return np.asarray(boxes, "float64").reshape(-1, 4)


def _corners(boxes: np.ndarray) -> np.ndarray:
    """From `xywh` to left, top, right, bottom."""
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


def _cut(boxes: np.ndarray, tiles: np.ndarray, height: int, width: int) -> np.ndarray:
    """Whether a box ends at an edge of its tile that is no edge of the picture, bool `(n,)`."""
    near = np.tile(_NEAR * (tiles[:, 2:] - tiles[:, :2]), 2)
    at_edge = np.abs(boxes - tiles) <= near
    inside = tiles != np.array([0, 0, width, height])
    return (at_edge & inside).any(axis=1)


def _left_to_others(
    boxes: np.ndarray,
    is_cut: np.ndarray,
    tile: np.ndarray,
    tiles: np.ndarray,
    size: tuple[int, int],
) -> np.ndarray:
    """Whether another tile is better placed to see what a tile has seen, bool `(n,)`."""
    is_whole = (tiles == np.array([0, 0, *size])).all(axis=1) & (len(tiles) > 1)
    low, high = tiles[:, :2], tiles[:, 2:]
    margin = _NEAR * (high - low)
    # Further from its edges than what ends there; but the picture's own edges cut nothing.
    low = np.where(low > 0, low + margin, -np.inf)
    high = np.where(high < np.array(size), high - margin, np.inf)
    inside = (boxes[:, None, :2] > low) & (boxes[:, None, 2:] < high)
    left = is_cut & (inside.all(axis=-1) & ~is_whole).any(axis=1)
    shared = [_shared(tiles[~is_whole][:, axis::2]) for axis in (0, 1)]
    sides = boxes[:, 2:] - boxes[:, :2]
    return left | (is_whole[tile] & (sides <= np.array(shared)).all(axis=1))


def _shared(spans: np.ndarray) -> float:
    """What neighbours share at least, of spans `(tiles, 2)`, first and last, along one axis."""
    spans = np.unique(spans, axis=0)
    return float((spans[:-1, 1] - spans[1:, 0]).min(initial=np.inf))


def _agreement(
    box: np.ndarray, tile: np.ndarray, others: np.ndarray, tiles: np.ndarray
) -> np.ndarray:
    """IoU of a box with others `(n,)`, of what lies in the common part of their tiles."""
    low, high = np.maximum(tile[:2], tiles[:, :2]), np.minimum(tile[2:], tiles[:, 2:])
    a_low, a_high = np.maximum(box[:2], low), np.minimum(box[2:], high)
    b_low, b_high = np.maximum(others[:, :2], low), np.minimum(others[:, 2:], high)
    area = _area(a_low, a_high), _area(b_low, b_high)
    common = _area(np.maximum(a_low, b_low), np.minimum(a_high, b_high))
    union = area[0] + area[1] - common
    return np.where(union > 0, common / np.where(union > 0, union, 1.0), 0.0)


def _area(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    return np.maximum(high - low, 0.0).prod(axis=-1)
