"""What is found in a picture and in its mirror image becomes one output."""

import numpy as np

from keras_effspine.evaluation.coco_detection import Boxes
from keras_effspine.evaluation.mirrored_boxes import fuse_mirrored

WIDTH = 100


def found(*rows):
    """`Boxes` from rows of left, top, width, height, class, score."""
    table = np.array(rows, "float64").reshape(-1, 6)
    return Boxes(table[:, :4], table[:, 4].astype("int64"), table[:, 5])


def assert_found(fused, *rows):
    expected = found(*rows)
    np.testing.assert_allclose(fused.boxes, expected.boxes)
    np.testing.assert_array_equal(fused.classes, expected.classes)
    np.testing.assert_allclose(fused.scores, expected.scores)


def test_a_box_of_both_looks_is_their_mean_weighted_by_the_scores():
    # Seen from the other side, 10 to 30 lies at 70 to 90.
    plain, mirrored = found([10, 20, 20, 40, 1, 0.75]), found([66, 20, 20, 40, 1, 0.25])
    assert_found(fuse_mirrored(plain, mirrored, WIDTH), [11, 20, 20, 40, 1, 0.5])


def test_what_one_look_alone_has_found_keeps_half_of_its_score():
    plain = found([10, 20, 20, 40, 1, 0.8], [50, 50, 10, 10, 0, 0.2])
    mirrored = found([70, 20, 20, 40, 2, 0.6])  # the same place, but another class
    assert_found(
        fuse_mirrored(plain, mirrored, WIDTH),
        [10, 20, 20, 40, 1, 0.4],
        [10, 20, 20, 40, 2, 0.3],
        [50, 50, 10, 10, 0, 0.1],
    )


def test_each_box_is_joined_to_one_other_and_the_best_one_chooses_first():
    plain = found([10, 20, 20, 40, 1, 0.4], [10, 20, 20, 40, 1, 0.8])
    mirrored = found([70, 20, 20, 40, 1, 0.8])
    assert_found(
        fuse_mirrored(plain, mirrored, WIDTH), [10, 20, 20, 40, 1, 0.8], [10, 20, 20, 40, 1, 0.2]
    )


def test_nothing_is_found_where_nothing_was_and_one_look_is_enough():
    assert_found(fuse_mirrored(found(), found(), WIDTH))
    alone = [10, 20, 20, 40, 1, 0.5]
    assert_found(fuse_mirrored(found([10, 20, 20, 40, 1, 1.0]), found(), WIDTH), alone)
    assert_found(fuse_mirrored(found(), found([70, 20, 20, 40, 1, 1.0]), WIDTH), alone)


def test_a_hundred_are_kept():
    rows = [[i, i, 1, 1, 0, 0.5 + i / 1000] for i in range(90)]
    fused = fuse_mirrored(found(*rows), found(*rows), 1000)
    assert len(fused.boxes) == 100 and (np.diff(fused.scores) <= 0).all()
