"""What was found in tiles of a picture, made one."""

import numpy as np
import pytest

from keras_effspine.data.run_lengths import crop_run_lengths, decoded
from keras_effspine.data.tiles import Tiles
from keras_effspine.evaluation.coco_detection import Boxes
from keras_effspine.evaluation.coco_instances import Instances
from keras_effspine.evaluation.tiled_boxes import merge_boxes
from keras_effspine.evaluation.tiled_masks import merge_instances, merge_maps

# Two tiles of 100 px side by side that share 20: from 0 to 100, and from 80 to 180.
PAIR = np.array([[0, 0, 100, 100], [80, 0, 100, 100]])
SIZE = (100, 180)


def found(*rows):
    """Boxes `(left, top, width, height, class, score)` in a tile."""
    rows = np.array(rows, "float64").reshape(-1, 6)
    return Boxes(rows[:, :4], rows[:, 4].astype(int), rows[:, 5])


def merged(*outputs, windows=PAIR, size=SIZE):
    joined = merge_boxes(outputs, windows, *size)
    return [
        (*np.round(box, 3).tolist(), int(index), float(score))
        for box, index, score in zip(joined.boxes, joined.classes, joined.scores, strict=True)
    ]


def seen_through(boxes, window, least=8):
    """What a perfect detector says of a tile: of each object what it shows, if that is enough."""
    left, top, width, height = window
    low = np.maximum(boxes[:, :2], [left, top])
    high = np.minimum(boxes[:, :2] + boxes[:, 2:], [left + width, top + height])
    kept = (high - low >= least).all(axis=1)
    part = np.concatenate([low - [left, top], high - low], axis=1)[kept]
    return Boxes(part, np.zeros(len(part), int), np.linspace(0.9, 0.5, len(part)))


def test_detections_move_to_the_place_of_their_tile():
    assert merged(found((10, 20, 30, 40, 0, 0.5)), found((40, 20, 30, 40, 1, 0.9))) == [
        (120, 20, 30, 40, 1, 0.9),
        (10, 20, 30, 40, 0, 0.5),
    ]


def test_an_object_that_two_tiles_show_is_counted_once():
    twice = merged(found((82, 10, 15, 15, 0, 0.6)), found((2, 10, 15, 16, 0, 0.7)))
    assert twice == [(82, 10, 15, 16, 0, 0.7)]


def test_the_whole_object_is_kept_where_the_other_tile_cuts_it():
    # From 60 to 95: whole on the left; the right tile shows what is beyond 80, and is surer.
    whole = found((60, 10, 35, 30, 0, 0.5))
    assert merged(whole, found((0, 10, 15, 30, 0, 0.9))) == [(60, 10, 35, 30, 0, 0.5)]
    # Whatever the bit looks like, and even where the left tile sees nothing.
    assert merged(whole, found((0, 10, 9, 8, 1, 0.9))) == [(60, 10, 35, 30, 0, 0.5)]
    assert merged(found(), found((0, 10, 15, 30, 0, 0.9))) == []
    # At the edge of the picture nobody sees more.
    assert merged(found((0, 10, 15, 30, 0, 0.9)), found()) == [(0, 10, 15, 30, 0, 0.9)]


def test_of_the_whole_picture_only_what_is_larger_than_what_tiles_share_is_taken():
    windows = np.array([*PAIR.tolist(), [0, 0, 180, 100]])
    small, large = (30, 10, 18, 90, 0, 0.9), (30, 10, 22, 12, 0, 0.8)  # tiles share 20
    only_rows = merged(found(), found(), found(large), windows=windows)
    assert only_rows == [(30, 10, 22, 12, 0, 0.8)]
    assert merged(found(), found(), found(small), windows=windows) == []


def test_parts_of_an_object_that_no_tile_shows_whole_are_put_together():
    # From 40 to 140.
    left, right = found((40, 10, 60, 30, 0, 0.5)), found((0, 12, 60, 30, 0, 0.8))
    assert merged(left, right) == [(40, 10, 100, 32, 0, 0.8)]


def test_an_object_over_three_tiles_is_one_whatever_its_scores():
    windows = np.array([[0, 0, 100, 100], [80, 0, 100, 100], [160, 0, 100, 100]])
    for scores in ((0.9, 0.5, 0.8), (0.5, 0.9, 0.8), (0.5, 0.6, 0.9)):
        parts = [(50, 10, 50, 30, 0), (0, 10, 100, 30, 0), (0, 10, 50, 30, 0)]
        outputs = [found((*part, score)) for part, score in zip(parts, scores, strict=True)]
        joined = merged(*outputs, windows=windows, size=(100, 260))
        assert joined == [(50, 10, 160, 30, 0, 0.9)]


def test_a_look_at_the_whole_picture_says_how_large_an_object_is():
    windows = np.array([*PAIR.tolist(), [0, 0, 180, 100]])
    parts = [found((40, 10, 60, 30, 0, 0.5)), found((0, 12, 60, 30, 0, 0.8))]
    joined = merged(*parts, found((41, 11, 100, 30, 0, 0.3)), windows=windows)
    assert joined == [(41, 11, 100, 30, 0, 0.8)]


def test_neighbours_are_not_joined():
    # One object up to the middle of what both tiles show, and one beside it.
    left = found((60, 10, 30, 30, 0, 0.9), (90, 10, 10, 30, 0, 0.6))
    right = found((0, 10, 10, 30, 0, 0.5), (10, 10, 30, 30, 0, 0.8))
    assert merged(left, right) == [(60, 10, 30, 30, 0, 0.9), (90, 10, 30, 30, 0, 0.8)]


def test_objects_of_two_classes_and_of_one_tile_are_not_joined():
    left = found((82, 10, 15, 15, 0, 0.6), (82, 11, 15, 15, 0, 0.5))
    assert len(merged(left, found((2, 10, 15, 15, 1, 0.7)))) == 3


def test_a_box_at_the_edge_of_the_picture_is_not_cut():
    # Both lie at edges of the picture: the surer one is kept, and nothing is put together.
    left, right = found((82, 0, 15, 15, 0, 0.6)), found((2, 0, 15, 12, 0, 0.7))
    assert merged(left, right) == [(82, 0, 15, 12, 0, 0.7)]


def test_nothing_found_is_nothing():
    assert merged(found(), found()) == []


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_what_a_perfect_detector_sees_through_tiles_is_what_is_there(seed, whole):
    rng = np.random.default_rng(seed)
    tiles = Tiles(size=128, overlap=0.3)
    cells = rng.permutation(100)[:25]  # of 40 px each, so that no two objects touch
    corners = np.stack([cells % 10, cells // 10], axis=1) * 40.0
    boxes = np.concatenate([corners + 2, rng.uniform(18, 36, (25, 2))], axis=1)
    if whole:
        boxes = np.concatenate([boxes[corners[:, 1] >= 200], [[5.0, 5.0, 390.0, 180.0]]])
    windows = tiles.windows(400, 400)
    if whole:
        windows = np.concatenate([windows, [[0, 0, 400, 400]]])
    joined = merge_boxes([seen_through(boxes, window) for window in windows], windows, 400, 400)
    order = [np.lexsort(found.T) for found in (boxes, joined.boxes)]
    np.testing.assert_allclose(joined.boxes[order[1]], boxes[order[0]], atol=1e-9)


def test_masks_move_and_join_with_their_boxes():
    def part(width, box):
        left, top, columns, rows = box
        mask = crop_run_lengths(np.ones((rows, columns), bool), left, top, width, 100)
        return Instances(
            np.array([box], "float64"), np.array([0]), np.array([0.5]), masks=(mask,), is_cut=True
        )

    joined = merge_instances([part(100, (40, 10, 60, 30)), part(100, (0, 12, 60, 30))], PAIR, *SIZE)
    (mask,) = joined.masks
    assert mask["size"] == [100, 180]
    expected = np.zeros(SIZE, bool)
    expected[10:40, 40:100] = expected[12:42, 80:140] = True
    np.testing.assert_array_equal(decoded(mask), expected)
    assert joined.is_cut
    alone = merge_instances([part(100, (10, 10, 20, 20)), part(100, (50, 50, 9, 9))], PAIR, *SIZE)
    assert [int(decoded(one).sum()) for one in alone.masks] == [400, 81]
    assert merge_instances([], np.zeros((0, 4), int), *SIZE).masks == ()


def test_a_pixel_is_what_the_tile_says_that_has_most_around_it():
    left, right = np.full((100, 100), 1, "uint8"), np.full((100, 100), 2, "uint8")
    whole = np.full(SIZE, 3, "uint8")
    windows = np.array([*PAIR.tolist(), [0, 0, 180, 100]])
    for outputs, places in (((left, right), PAIR), ((left, right, whole), windows)):
        joined = merge_maps(outputs, places, *SIZE)
        assert (joined[:, :90] == 1).all() and (joined[:, 91:] == 2).all()
    assert (merge_maps([whole], windows[2:], *SIZE) == 3).all()


def test_label_maps_through_tiles_are_the_map():
    truth = np.random.default_rng(0).integers(0, 5, (300, 420)).astype("uint8")
    windows = Tiles(size=128, overlap=0.1).windows(300, 420)
    parts = [truth[y : y + h, x : x + w] for x, y, w, h in windows]
    np.testing.assert_array_equal(merge_maps(parts, windows, 300, 420), truth)
