import itertools

import numpy as np
import pytest

from keras_effspine.drawing.detections import class_colour, draw_detections

NAMES = ["ball", "a name that is far too long for any picture of this size to hold", "cup"]


def plain(height=120, width=160, value=128):
    return np.full((height, width, 3), value, "uint8")


def of_colour(image, colour):
    """Bool array `(height, width)`: where the picture has this colour."""
    return (image == colour).all(axis=-1)


def test_the_edges_of_a_box_have_the_colour_of_its_class():
    drawn = draw_detections(plain(), [[30, 50, 60, 40]], [2], NAMES)
    marked = of_colour(drawn, class_colour(2))
    assert marked[50:90, 30].all() and marked[50:90, 89].all()
    assert marked[50, 30:90].all() and marked[89, 30:90].all()
    assert (drawn[60:80, 40:80] == 128).all()  # the inside stays free


def test_the_picture_keeps_its_size_and_the_input_is_not_changed():
    image, boxes, scores = plain(), np.array([[30.0, 50, 60, 40]]), np.array([0.5])
    before = image.copy(), boxes.copy(), scores.copy()
    drawn = draw_detections(image, boxes, np.array([0]), NAMES, scores)
    assert (drawn.shape, drawn.dtype) == (image.shape, np.uint8)
    assert (drawn != image).any()
    for one, other in zip((image, boxes, scores), before, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("scores", [None, [], np.zeros(0)])
def test_no_boxes_leave_the_picture_as_it_was(scores):
    image = plain()
    np.testing.assert_array_equal(draw_detections(image, [], [], NAMES, scores), image)
    empty = draw_detections(image, np.zeros((0, 4)), np.zeros(0, int), NAMES, scores)
    np.testing.assert_array_equal(empty, image)


@pytest.mark.parametrize(
    "box",
    [[0, 0, 160, 120], [140, 100, 20, 20], [150, 0, 10, 5], [0, 118, 3, 2], [-20, -20, 60, 60]],
)
@pytest.mark.parametrize("label", [0, 1])
def test_labels_stay_whole_inside_the_picture(box, label):
    drawn = draw_detections(plain(), [box], [label], NAMES, [0.87])
    amid = draw_detections(plain(), [[50, 50, 60, 40]], [label], NAMES, [0.87])
    assert text_pixels(drawn) == text_pixels(amid) > 50


def text_pixels(drawn):
    """How many pixels are neither the grey of the picture nor the colour of a class."""
    other = ~of_colour(drawn, (128, 128, 128))
    for index in range(len(NAMES)):
        other &= ~of_colour(drawn, class_colour(index))
    return other.sum()


def test_a_name_that_is_too_long_is_cut_but_its_score_is_not():
    low, high = (
        draw_detections(plain(), [[30, 50, 60, 40]], [1], NAMES, [score]) for score in (0.12, 0.98)
    )
    assert (low != high).any()


def test_scores_are_part_of_the_label():
    images = [
        draw_detections(plain(), [[30, 50, 60, 40]], [0], NAMES, scores)
        for scores in (None, [0.12], [0.98])
    ]
    for one, other in itertools.combinations(images, 2):
        assert (one != other).any()


def test_a_box_of_higher_score_lies_over_one_of_lower_score_whatever_their_order():
    boxes = [[30, 50, 60, 40], [30, 50, 60, 40]]
    high_last = draw_detections(plain(), boxes, [0, 2], NAMES, [0.2, 0.9])
    high_first = draw_detections(plain(), boxes[::-1], [2, 0], NAMES, [0.9, 0.2])
    np.testing.assert_array_equal(high_last, high_first)
    assert of_colour(high_last, class_colour(2))[60:80, 30].all()


def test_labels_of_boxes_close_together_do_not_cover_each_other():
    # Classes that share no colour, so that each plate can be found by its own.
    boxes = [[60, 40, 40, 40], [62, 41, 40, 40]]
    both = draw_detections(plain(), boxes, [0, 2], NAMES, [0.9, 0.4])
    for box, label, score in zip(boxes, [0, 2], [0.9, 0.4], strict=True):
        alone = draw_detections(plain(), [box], [label], NAMES, [score])
        plate = of_colour(alone, class_colour(label)).sum()
        # Of the lower box only its lines may be covered, 4 * 40 pixels at most.
        assert of_colour(both, class_colour(label)).sum() >= plate - 160


def test_many_boxes_in_one_place_are_drawn_without_an_error():
    boxes = np.tile([[60.0, 40, 5, 5]], (200, 1))
    drawn = draw_detections(plain(), boxes, np.zeros(200, int), NAMES, np.linspace(0, 1, 200))
    assert (drawn == 128).all(axis=-1).any()  # labels without room are left out


@pytest.mark.parametrize("box", [[50, 50, 0, 0], [50.4, 50.4, 0.3, 0.2], [50, 50, 1, 1]])
def test_tiny_boxes_are_seen(box):
    drawn = draw_detections(plain(), [box], [0], NAMES)
    assert of_colour(drawn, class_colour(0))[49:52, 49:52].any()


def test_a_box_outside_the_picture_draws_nothing():
    boxes = [[200, 10, 20, 20], [-50, 10, 20, 20], [10, 300, 5, 5]]
    np.testing.assert_array_equal(draw_detections(plain(), boxes, [0, 0, 0], NAMES), plain())


def test_crowds_have_dashed_lines_and_are_named_so():
    solid = draw_detections(plain(), [[30, 50, 60, 40]], [0], NAMES, is_crowd=[False])
    dashed = draw_detections(plain(), [[30, 50, 60, 40]], [0], NAMES, is_crowd=[True])
    edge = of_colour(dashed, class_colour(0))[89, 30:90]
    assert of_colour(solid, class_colour(0))[89, 30:90].all()
    assert edge.any() and not edge.all()
    assert text_pixels(dashed) > text_pixels(solid)


def test_lines_and_text_grow_with_the_picture():
    def thickness(size):
        drawn = draw_detections(
            plain(size, size), [[size / 4, size / 4, size / 2, size / 2]], [0], NAMES
        )
        return of_colour(drawn, class_colour(0))[size // 2, : size // 2].sum(), text_pixels(drawn)

    (thin, small), (thick, large) = thickness(96), thickness(1200)
    assert thin == 1 and thick >= 4
    assert large > 4 * small


@pytest.mark.parametrize("value", [0, 255])
def test_labels_are_readable_on_black_and_on_white(value):
    drawn = draw_detections(plain(value=value), [[30, 50, 60, 40]], [0], NAMES)
    assert of_colour(drawn, class_colour(0)).sum() > 200


def test_the_colours_of_the_first_classes_are_all_different_and_stable():
    colours = np.array([class_colour(index) for index in range(91)], int)
    distances = np.abs(colours[:, None] - colours[None]).sum(axis=-1)
    np.fill_diagonal(distances, 999)
    assert distances.min() > 20
    assert distances[:10, :10].min() > 100
    assert [class_colour(index) for index in (0, 5)] == [tuple(colours[0]), tuple(colours[5])]
    assert class_colour(5000) is not None


@pytest.mark.parametrize(
    ("image", "boxes", "classes", "scores", "message"),
    [
        (plain()[..., 0], [[1, 2, 3, 4]], [0], None, "height, width, 3"),
        (plain(), [[1, 2, 3, 4]], [0, 1], None, "as many"),
        (plain(), [[1, 2, 3, 4]], [0], [0.1, 0.2], "as many"),
        (plain(), [[1, 2, float("nan"), 4]], [0], None, "NaN"),
        (plain(), [[1, 2, 3, 4]], [3], None, "from 0 to 2"),
        (plain(), [[1, 2, 3, 4]], [-1], None, "from 0 to 2"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(image, boxes, classes, scores, message):
    with pytest.raises(ValueError, match=message):
        draw_detections(image, boxes, classes, NAMES, scores)
