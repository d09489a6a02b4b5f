"""Placing pictures and boxes on the canvas, against a slow reference in NumPy."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_effspine.data import augmentation

CANVAS = 64

# A few hundred calls of eager TensorFlow; the time of one says nothing.
quick = settings(max_examples=60, deadline=None)

sides = st.integers(1, 200)
seeds = st.tuples(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1))
jitters = st.tuples(st.floats(0.1, 2.0), st.floats(0.1, 2.0)).map(lambda pair: tuple(sorted(pair)))


@st.composite
def pictures_with_boxes(draw):
    """A random picture and boxes inside of it, xyxy."""
    height, width = draw(sides), draw(sides)
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    corners = generator.uniform(0, [width, height], (draw(st.integers(0, 5)), 2, 2))
    boxes = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
    image = generator.integers(0, 256, (height, width, 3))
    return image.astype("uint8"), boxes.astype("float32")


def resized(image, size):
    """Bilinear resizing with half-pixel centres and edges held, in plain loops."""
    height, width = size
    result = np.zeros((height, width, 3))
    for row in range(height):
        for column in range(width):
            y = (row + 0.5) * image.shape[0] / height - 0.5
            x = (column + 0.5) * image.shape[1] / width - 0.5
            for line, weight_y in ((int(np.floor(y)), 1 - y % 1), (int(np.floor(y)) + 1, y % 1)):
                for place, weight_x in (
                    (int(np.floor(x)), 1 - x % 1),
                    (int(np.floor(x)) + 1, x % 1),
                ):
                    line_in = min(max(line, 0), image.shape[0] - 1)
                    place_in = min(max(place, 0), image.shape[1] - 1)
                    result[row, column] += weight_y * weight_x * image[line_in, place_in]
    return result


def placed(image, boxes, window, size, canvas):
    """What `place` should do, one box and one pixel at a time."""
    top, left, height, width = window
    result = np.zeros((canvas, canvas, 3))
    part = image[top : top + height, left : left + width].astype("float64")
    result[: size[0], : size[1]] = resized(part, size)
    scale_y, scale_x = size[0] / height, size[1] / width
    moved = [
        [
            min(max((x0 - left) * scale_x, 0), size[1]),
            min(max((y0 - top) * scale_y, 0), size[0]),
            min(max((x1 - left) * scale_x, 0), size[1]),
            min(max((y1 - top) * scale_y, 0), size[0]),
        ]
        for x0, y0, x1, y1 in boxes.tolist()
    ]
    return result, np.reshape(moved, (-1, 4)), (scale_y, scale_x)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_a_placed_picture_is_the_one_of_the_reference(data):
    image, boxes = data.draw(pictures_with_boxes())
    height, width = (data.draw(st.integers(1, side)) for side in image.shape[:2])
    top = data.draw(st.integers(0, image.shape[0] - height))
    left = data.draw(st.integers(0, image.shape[1] - width))
    size = data.draw(st.tuples(st.integers(1, 24), st.integers(1, 24)))
    window = (top, left, height, width)
    image_found, boxes_found, scale_found = augmentation.place(image, boxes, window, size, 24)
    image_wanted, boxes_wanted, scale_wanted = placed(image, boxes, window, size, 24)
    np.testing.assert_allclose(image_found, image_wanted, atol=0.02)
    np.testing.assert_allclose(boxes_found, boxes_wanted, atol=1e-3)
    np.testing.assert_allclose(scale_found, scale_wanted, rtol=1e-6)


@quick
@given(pictures_with_boxes())
def test_a_letterboxed_picture_fills_the_canvas_along_its_long_side(picture):
    image, boxes = picture
    height, width = image.shape[:2]
    result, moved, scale = augmentation.letterbox(image, boxes, CANVAS)
    assert result.shape == (CANVAS, CANVAS, 3)
    assert result.dtype == "float32"
    size = [max(1, round(side * CANVAS / max(height, width))) for side in (height, width)]
    assert max(size) == CANVAS
    np.testing.assert_allclose(scale, [size[0] / height, size[1] / width], rtol=1e-6)
    wanted = np.clip(boxes * np.tile(scale[::-1], 2), 0, np.tile(size[::-1], 2))
    np.testing.assert_allclose(moved, wanted, atol=1e-3)
    assert not result.numpy()[size[0] :].any()
    assert not result.numpy()[:, size[1] :].any()


@quick
@given(pictures_with_boxes(), jitters, seeds)
def test_scale_jitter_keeps_boxes_on_the_picture_and_the_rest_of_the_canvas_black(
    picture, jitter, seed
):
    image, boxes = picture
    image = np.maximum(image, 1)
    result, moved, scale = augmentation.random_scale_and_crop(image, boxes, CANVAS, jitter, seed)
    assert result.shape == (CANVAS, CANVAS, 3)
    shown = result.numpy().any(axis=2)
    height, width = shown.any(axis=1).sum(), shown.any(axis=0).sum()
    assert shown[:height, :width].all()
    assert not shown[height:].any()
    assert not shown[:, width:].any()
    low, high = np.zeros(4), np.tile([width, height], 2)
    assert (moved.numpy() >= low).all()
    assert (moved.numpy() <= high).all()
    assert (moved.numpy()[:, 2:] >= moved.numpy()[:, :2]).all()
    assert (scale.numpy() > 0).all()


@quick
@given(st.integers(20, 200), st.integers(20, 200), st.floats(0.1, 2.0), seeds)
def test_the_scale_is_the_one_asked_for_within_the_rounding_of_pixels(
    height, width, multiple, seed
):
    image = np.full((height, width, 3), 255, "uint8")
    wanted = multiple * CANVAS / max(height, width)
    _, _, scale = augmentation.random_scale_and_crop(
        image, np.zeros((0, 4), "float32"), CANVAS, (multiple, multiple), seed
    )
    window = np.minimum(np.ceil(CANVAS / wanted), [height, width])
    # A part of a pixel is no pixel: the last one is rounded, or cut at the edge of the canvas.
    assert (abs(scale.numpy() - wanted) <= (max(0.51, wanted) + 1e-3) / window).all()


@settings(max_examples=150, deadline=None)
@given(st.integers(40, 160), st.integers(40, 160), jitters, seeds, st.data())
def test_what_is_painted_inside_a_box_is_found_inside_the_box_after_augmentation(
    height, width, jitter, seed, data
):
    side = 24
    left = data.draw(st.integers(0, width - side))
    top = data.draw(st.integers(0, height - side))
    image = np.full((height, width, 3), 20, "uint8")
    image[top : top + side, left : left + side] = 220
    boxes = np.array([[left, top, left + side, top + side]], "float32")
    result, moved, _ = augmentation.random_scale_and_crop(image, boxes, CANVAS, jitter, seed)
    result, moved = augmentation.random_flip(result, moved, seed)
    painted = result.numpy()[..., 0] > 120
    x0, y0, x1, y1 = moved.numpy()[0]
    if min(x1 - x0, y1 - y0) < 2:
        return  # cropped away, or too small to be sure of a pixel
    rows, columns = np.flatnonzero(painted.any(axis=1)), np.flatnonzero(painted.any(axis=0))
    drawn = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
    np.testing.assert_allclose([x0, y0, x1, y1], drawn, atol=1.01)


@pytest.mark.parametrize("shape", [(1, 500), (500, 1), (1, 1), (2, 3)])
@pytest.mark.parametrize("multiple", [0.1, 0.5, 1.0, 1.3, 2.0])
def test_extreme_shapes_stay_pictures_of_at_least_a_pixel(shape, multiple):
    image = np.full((*shape, 3), 200, "uint8")
    boxes = np.array([[0, 0, shape[1], shape[0]]], "float32")
    result, moved, scale = augmentation.random_scale_and_crop(
        image, boxes, CANVAS, (multiple, multiple), (3, 4)
    )
    seen = (result.numpy() > 0).any(axis=2)
    x0, y0, x1, y1 = moved.numpy()[0]
    assert (x0, y0) == (0, 0)
    assert (seen.any(axis=0).sum(), seen.any(axis=1).sum()) == (x1, y1)
    assert (scale.numpy() > 0).all()


def test_the_crop_reaches_every_edge_of_the_picture():
    image = np.arange(100, dtype="uint8")[None, :, None] * np.ones((100, 1, 3), "uint8")
    seen = [
        augmentation.random_scale_and_crop(
            image, np.zeros((0, 4), "float32"), CANVAS, (2.0, 2.0), (seed, 0)
        )[0].numpy()
        for seed in range(80)
    ]
    assert min(part.min() for part in seen) < 3
    assert max(part.max() for part in seen) > 96


def test_the_whole_range_of_scales_is_drawn():
    image = np.full((60, 60, 3), 255, "uint8")
    scales = [
        augmentation.random_scale_and_crop(
            image, np.zeros((0, 4), "float32"), 60, (0.5, 2.0), (seed, 1)
        )[2].numpy()[0]
        for seed in range(100)
    ]
    assert 0.5 <= min(scales) < 0.6
    assert 1.9 < max(scales) <= 2.02
    assert 1.1 < np.mean(scales) < 1.4


@quick
@given(pictures_with_boxes(), jitters, seeds)
def test_the_same_seed_gives_the_same_result(picture, jitter, seed):
    def once():
        image, boxes, _ = augmentation.random_scale_and_crop(*picture, CANVAS, jitter, seed)
        return augmentation.random_flip(image, boxes, seed)

    for one, other in zip(once(), once(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_about_half_of_the_pictures_are_mirrored_and_their_boxes_with_them():
    image = tf.reshape(tf.range(4 * 6 * 3, dtype="float32"), [4, 6, 3])
    boxes = tf.constant([[1.0, 0.0, 3.0, 2.0], [0.0, 1.0, 6.0, 4.0]])
    mirrored = 0
    for number in range(200):
        flipped, moved = augmentation.random_flip(image, boxes, [7, number])
        if np.array_equal(flipped, image):
            np.testing.assert_array_equal(moved, boxes)
        else:
            mirrored += 1
            np.testing.assert_array_equal(flipped, image[:, ::-1])
            np.testing.assert_array_equal(moved, [[3, 0, 5, 2], [0, 1, 6, 4]])
    assert 70 < mirrored < 130
