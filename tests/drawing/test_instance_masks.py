"""Instance masks drawn on pictures."""

import numpy as np
import pytest

from keras_effspine.data.run_lengths import crop_run_lengths
from keras_effspine.drawing.detections import class_colour
from keras_effspine.drawing.instance_masks import draw_instances

IMAGE = np.full((500, 600, 3), 100, "uint8")
BOXES = np.array([[50.0, 60, 200, 150], [300, 200, 150, 200]])
CLASSES = np.array([0, 1])


def mask(box, image=IMAGE):
    left, top, width, height = map(int, box)
    return crop_run_lengths(np.ones((height, width), bool), left, top, *image.shape[1::-1])


MASKS = tuple(mask(box) for box in BOXES)


def test_the_inside_is_tinted_and_the_outline_lighter_and_the_rest_untouched():
    before = IMAGE.copy()
    drawn = draw_instances(IMAGE, BOXES, CLASSES, MASKS, ("cat", "dog"))
    np.testing.assert_array_equal(IMAGE, before)
    assert drawn.shape == IMAGE.shape and drawn.dtype == "uint8"
    for box, index in zip(BOXES.astype(int), CLASSES, strict=True):
        colour = np.array(class_colour(index))
        center = drawn[box[1] + box[3] // 2, box[0] + box[2] // 2]
        np.testing.assert_array_equal(center, np.round(0.55 * 100 + 0.45 * colour))
    assert (drawn[450:, :200] == 100).all()


def test_outlines_follow_the_mask_not_the_box():
    disc = np.add.outer(np.arange(-75, 75) ** 2, np.arange(-75, 75) ** 2) < 70**2
    masks = (crop_run_lengths(disc, 300, 200, 600, 500),)
    drawn = draw_instances(IMAGE, np.array([[300.0, 200, 150, 150]]), [0], masks, ("cat",))
    colour = np.array(class_colour(0))
    edge = drawn[275, 300 + 75 - 69]
    np.testing.assert_allclose(edge, 0.35 * colour + 0.65 * 255, atol=1)
    assert (drawn[215, 315] == 100).all()  # in the box, beside the disc


def test_a_small_picture_is_enlarged_with_its_masks():
    image = np.full((60, 80, 3), 100, "uint8")
    boxes = np.array([[10.0, 10, 40, 30]])
    drawn = draw_instances(image, boxes, [0], (mask(boxes[0], image),), ("cat",))
    assert drawn.shape == (360, 480, 3)
    tinted = np.round(0.55 * 100 + 0.45 * np.array(class_colour(0)))
    np.testing.assert_array_equal(drawn[6 * 25, 6 * 30], tinted)


def test_an_object_without_a_mask_or_with_an_empty_one_keeps_its_box():
    empty = crop_run_lengths(np.zeros((0, 0), bool), 0, 0, 600, 500)
    for one in (None, empty):
        drawn = draw_instances(IMAGE, BOXES[:1], CLASSES[:1], (one,), ("cat",))
        assert (drawn[100, 120] == 100).all()
        assert (drawn[100, 45:55] != 100).any()


def test_no_object_gives_the_picture():
    drawn = draw_instances(IMAGE, np.zeros((0, 4)), np.zeros(0, int), (), ("cat",))
    np.testing.assert_array_equal(drawn, IMAGE)


def test_masks_of_another_size_or_number_are_refused():
    with pytest.raises(ValueError, match="A mask must have its picture's size"):
        draw_instances(IMAGE[:-1], BOXES, CLASSES, MASKS, ("cat", "dog"))
    with pytest.raises(ValueError, match="There must be a mask, or None, for each box"):
        draw_instances(IMAGE, BOXES, CLASSES, MASKS[:1], ("cat", "dog"))
