"""Label maps drawn on pictures."""

import io

import numpy as np
import pytest
from PIL import Image

from keras_effspine.drawing.detections import class_colour
from keras_effspine.drawing.label_maps import draw_label_map, label_image

NAMES = ("background", "cat", "dog")


def halves(height=240, width=320):
    """A cat at the left, a dog at the right, background above, ignored below."""
    classes = np.ones((height, width), "uint8")
    classes[:, width // 2 :] = 2
    classes[: height // 4] = 0
    classes[-height // 4 :] = 255
    return classes


def test_classes_are_tinted_and_the_rest_keeps_its_colours():
    image = np.full((240, 320, 3), 100, "uint8")
    drawn = draw_label_map(image, halves(), NAMES)
    assert drawn.dtype == "uint8" and drawn.shape == image.shape
    assert (drawn[:50] == 100).all() and (drawn[190:] == 100).all()
    for column, index in ((5, 1), (310, 2)):
        wanted = np.round(0.45 * 100 + 0.55 * np.array(class_colour(index)))
        np.testing.assert_allclose(drawn[100, column], wanted, atol=1)
    assert (image == 100).all(), "the picture itself is not changed"


def test_names_stand_in_the_midst_of_their_class():
    drawn = draw_label_map(np.full((240, 320, 3), 100, "uint8"), halves(), NAMES)
    for index, middle in ((1, 80), (2, 240)):
        rows, columns = np.nonzero((drawn == class_colour(index)).all(axis=-1))
        assert abs(columns.mean() - middle) < 15 and abs(rows.mean() - 120) < 15


def test_a_speck_gets_no_name():
    classes = np.zeros((240, 320), "uint8")
    classes[100:104, 100:104] = 1
    drawn = draw_label_map(np.full((240, 320, 3), 100, "uint8"), classes, NAMES)
    assert not (drawn == class_colour(1)).all(axis=-1).any()
    assert (drawn[101, 101] != 100).any()


@pytest.mark.parametrize("shape", [(1, 1), (3, 700), (700, 2)])
def test_pictures_of_any_shape_can_be_drawn(shape):
    assert draw_label_map(np.zeros((*shape, 3), "uint8"), np.ones(shape, "uint8"), NAMES).any()


def test_what_does_not_fit_is_refused():
    image = np.zeros((8, 8, 3), "uint8")
    with pytest.raises(ValueError, match="its picture's size"):
        draw_label_map(image, np.zeros((8, 9), "uint8"), NAMES)
    with pytest.raises(ValueError, match="from 0 to 2. Received: 3"):
        draw_label_map(image, np.full((8, 8), 3, "uint8"), NAMES)


def test_a_label_picture_holds_the_class_indices():
    file = io.BytesIO()
    label_image(halves(), NAMES).save(file, "PNG")
    image = Image.open(file)
    assert image.mode == "P"
    np.testing.assert_array_equal(np.asarray(image), halves())
    colours = np.asarray(image.convert("RGB"))
    assert colours[0, 0].tolist() == [0, 0, 0]
    assert tuple(colours[100, 5].tolist()) == class_colour(1)
