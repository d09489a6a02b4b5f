"""Placing pictures, boxes and masks on the canvas, against a slow reference in NumPy."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_effspine.stream.augmentation import Augmentation
from keras_effspine.stream.placement import (
    Placement,
    letterbox,
    place_boxes,
    place_image,
    place_labels,
    random_placement,
    scale_of,
)

CANVAS = 48

# A few hundred calls of TensorFlow; the time of one says nothing.
quick = settings(max_examples=30, deadline=None)

sides = st.integers(1, 400)
seeds = st.tuples(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1))
jitters = st.tuples(st.floats(0.1, 2.0), st.floats(0.1, 2.0)).map(lambda pair: tuple(sorted(pair)))
generators = st.integers(0, 2**32 - 1).map(np.random.default_rng)
augmentations = st.builds(
    Augmentation,
    scale_jitter=jitters,
    flip=st.booleans(),
    vertical_flip=st.booleans(),
    quarter_turns=st.booleans(),
)

# Traced once: what tf.data runs is the graph, and it runs faster than single operations.
boxes_moved = tf.function(place_boxes, reduce_retracing=True)
image_placed = tf.function(place_image, reduce_retracing=True)


def random_boxes(generator, height, width, count=5):
    corners = generator.uniform(0, [width, height], (count, 2, 2))
    return np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1).astype("float32")


@st.composite
def placements(draw):
    """The height and width of a picture, and any placement of it that fits `CANVAS`."""
    height, width, halvings = draw(st.integers(1, 60)), draw(st.integers(1, 60)), draw(levels)
    reduced = [-(-side // 2**halvings) for side in (height, width)]
    lengths = [draw(st.integers(1, side)) for side in reduced]
    starts = [
        draw(st.integers(0, side - length)) for side, length in zip(reduced, lengths, strict=True)
    ]
    return (height, width), Placement(
        tf.constant(halvings),
        tf.constant([*starts, *lengths]),
        tf.constant(draw(st.tuples(st.booleans(), st.booleans(), st.booleans()))),
        tf.constant(draw(st.tuples(st.integers(1, CANVAS), st.integers(1, CANVAS)))),
    )


levels = st.integers(0, 3)


def turned(array, turn):
    """An array `(height, width, ...)`, turned one step after the other."""
    if turn[0]:
        array = array.swapaxes(0, 1)
    if turn[1]:
        array = array[::-1]
    return array[:, ::-1] if turn[2] else array


def resized(image, size):
    """Bilinear resizing with half-pixel centres and edges held."""

    def weights(length, wanted):
        matrix = np.zeros((wanted, length))
        for row in range(wanted):
            at = (row + 0.5) * length / wanted - 0.5
            low = int(np.floor(at))
            matrix[row, min(max(low, 0), length - 1)] += 1 - (at - low)
            matrix[row, min(max(low + 1, 0), length - 1)] += at - low
        return matrix

    rows, columns = (weights(image.shape[i], size[i]) for i in (0, 1))
    return np.einsum("ij,jkc,lk->ilc", rows, image.astype("float64"), columns)


def moved_point(x, y, shape, placement):
    """Where a point of the picture lies in the result, by the meaning of each field."""
    halvings, window, turn, size = (field.numpy() for field in placement)
    # From the picture to shares of the window, turned, to the result.
    across = (x / 2**halvings - window[1]) / window[3]
    down = (y / 2**halvings - window[0]) / window[2]
    if turn[0]:
        across, down = down, across
    if turn[1]:
        down = 1 - down
    if turn[2]:
        across = 1 - across
    return across * size[1], down * size[0]


@settings(max_examples=40, deadline=None)
@given(placements(), generators)
def test_a_placed_picture_is_the_one_of_the_reference(case, generator):
    _, placement = case
    window, size = placement.window.numpy(), placement.size.numpy()
    part = generator.integers(0, 256, (window[2], window[3], 3)).astype("uint8")
    result = image_placed(part, placement, (CANVAS, CANVAS)).numpy()
    wanted = np.zeros((CANVAS, CANVAS, 3))
    wanted[: size[0], : size[1]] = resized(turned(part, placement.turn.numpy()), size)
    assert result.dtype == "float32"
    np.testing.assert_allclose(result, wanted, atol=0.02)


@quick
@given(placements(), generators)
def test_boxes_are_moved_and_cut_as_the_reference_does_it(case, generator):
    (height, width), placement = case
    boxes = random_boxes(generator, height, width)
    result = boxes_moved(boxes, placement).numpy()
    limit = placement.size.numpy()[::-1]
    for box, found in zip(boxes, result, strict=True):
        corners = [moved_point(*point, (height, width), placement) for point in box.reshape(2, 2)]
        wanted = np.clip([np.min(corners, axis=0), np.max(corners, axis=0)], 0, limit)
        np.testing.assert_allclose(found, wanted.ravel(), atol=1e-3)


@quick
@given(placements(), generators)
def test_each_pixel_of_a_label_map_is_one_of_the_picture_or_the_fill(case, generator):
    shape, placement = case
    labels = generator.integers(0, 200, shape).astype("uint8")
    found = place_labels(labels, placement, (CANVAS, CANVAS), 255).numpy()
    assert found.dtype == "uint8"
    halvings, window, turn, size = (field.numpy() for field in placement)
    # The reduced picture may overhang the picture: nothing is known there.
    covered = np.full([-(-side // 2**halvings) * 2**halvings for side in shape], 255)
    covered[: shape[0], : shape[1]] = labels
    top, left, height, width = window * 2**halvings
    part = turned(covered[top : top + height, left : left + width], turn)
    rows = ((np.arange(size[0]) + 0.5) * part.shape[0] / size[0]).astype(int)
    columns = ((np.arange(size[1]) + 0.5) * part.shape[1] / size[1]).astype(int)
    wanted = np.full((CANVAS, CANVAS), 255)
    wanted[: size[0], : size[1]] = part[rows][:, columns]
    # Where a pixel lies just between two, rounding decides.
    assert (found != wanted).mean() < 0.05
    assert (found[size[0] :] == 255).all()
    assert (found[:, size[1] :] == 255).all()


@quick
@given(st.integers(1, 2000), st.integers(1, 2000))
def test_the_letterbox_shows_the_whole_picture_and_fills_the_canvas_along_its_long_side(
    height, width
):
    placement = letterbox([height, width], (CANVAS, CANVAS))
    halvings, window, turn, size = (field.numpy() for field in placement)
    assert window.tolist() == [0, 0, -(-height // 2**halvings), -(-width // 2**halvings)]
    assert not turn.any()
    assert max(size) == CANVAS
    scale = CANVAS / max(height, width)
    assert 2**halvings * scale <= 1 or halvings == 0
    assert 2 ** (halvings + 1) * scale > 1 or halvings == 3
    reach = (np.array([height, width]) * scale_of(placement).numpy()).round(3)
    assert (abs(reach - np.array([height, width]) * scale) <= 1).all()


@quick
@given(sides, sides, augmentations, seeds)
def test_a_random_placement_shows_a_part_of_the_picture_on_the_canvas(
    height, width, augmentation, seed
):
    canvas = (CANVAS, CANVAS // 2)
    placement = random_placement([height, width], canvas, augmentation, seed)
    halvings, window, turn, size = (field.numpy() for field in placement)
    assert 0 <= halvings <= 3
    assert (window[:2] >= 0).all()
    assert (window[2:] >= 1).all()
    reduced = -(-np.array([height, width]) // 2**halvings)
    assert (window[:2] + window[2:] <= reduced).all()
    assert (size >= 1).all()
    assert (size <= canvas).all()
    assert not turn[0] or augmentation.quarter_turns
    assert not turn[1] or augmentation.quarter_turns or augmentation.vertical_flip
    assert not turn[2] or augmentation.quarter_turns or augmentation.flip


@quick
@given(st.integers(20, 200), st.integers(20, 200), st.floats(0.1, 2.0), seeds)
def test_the_scale_is_the_one_asked_for_within_the_rounding_of_pixels(
    height, width, multiple, seed
):
    wanted = multiple * CANVAS / max(height, width)
    placement = random_placement(
        [height, width], (CANVAS, CANVAS), Augmentation(scale_jitter=(multiple, multiple)), seed
    )
    covered = placement.window.numpy()[2:] * 2 ** placement.halvings.numpy()
    # A part of a pixel is no pixel: the last one is rounded, or cut at the edge of the canvas.
    slack = max(0.51, wanted * 2 ** placement.halvings.numpy()) + 1e-3
    assert (abs(scale_of(placement).numpy() - wanted) <= slack / covered).all()


def painted(generator, height, width):
    """A dark picture with a light rectangle, its box, its mask."""
    top, left = generator.integers(0, [height - 24, width - 24])
    image = np.full((height, width, 3), 20, "uint8")
    image[top : top + 24, left : left + 24] = 220
    return image, np.array([[left, top, left + 24, top + 24]], "float32"), image[..., 0] > 100


@settings(max_examples=50, deadline=None)
@given(st.integers(40, 160), st.integers(40, 160), augmentations, seeds, generators)
def test_what_is_painted_in_a_box_stays_in_it_and_in_its_mask(
    height, width, augmentation, seed, generator
):
    image, boxes, mask = painted(generator, height, width)
    placement = random_placement([height, width], (CANVAS, CANVAS), augmentation, seed)
    reduction = 2 ** placement.halvings.numpy()
    padded = np.pad(image, [(0, -height % reduction), (0, -width % reduction), (0, 0)], mode="edge")
    reduced = padded.reshape(padded.shape[0] // reduction, reduction, -1, reduction, 3)
    top, left, rows, columns = placement.window.numpy()
    part = reduced.mean(axis=(1, 3))[top : top + rows, left : left + columns].astype("uint8")
    result = image_placed(part, placement, (CANVAS, CANVAS)).numpy()[..., 0] > 120
    x0, y0, x1, y1 = boxes_moved(boxes, placement).numpy()[0]
    if min(x1 - x0, y1 - y0) < 2:
        return  # cropped away, or too small to be sure of a pixel
    moved = place_labels(mask, placement, (CANVAS, CANVAS), False).numpy()
    for seen in (result, moved):
        rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
        drawn = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
        np.testing.assert_allclose([x0, y0, x1, y1], drawn, atol=1.01)


@pytest.mark.parametrize("shape", [(1, 500), (500, 1), (1, 1), (2, 3)])
@pytest.mark.parametrize("multiple", [0.1, 0.5, 1.0, 1.3, 2.0])
def test_extreme_shapes_stay_pictures_of_at_least_a_pixel(shape, multiple):
    options = Augmentation(scale_jitter=(multiple, multiple), quarter_turns=True)
    placement = random_placement(shape, (CANVAS, CANVAS), options, (3, 4))
    part = np.full((*placement.window.numpy()[2:], 3), 200, "uint8")
    seen = (place_image(part, placement, (CANVAS, CANVAS)).numpy() > 0).any(axis=2)
    boxes = np.array([[0, 0, shape[1], shape[0]]], "float32")
    x0, y0, x1, y1 = place_boxes(boxes, placement).numpy()[0]
    assert seen.any()
    # The reduced picture may overhang the picture by a part of a pixel of the result.
    assert (seen.any(axis=0).sum(), seen.any(axis=1).sum()) == (np.ceil(x1), np.ceil(y1))
    assert (scale_of(placement).numpy() > 0).all()


def many(shape, options, count=120):
    return [random_placement(shape, (CANVAS, CANVAS), options, (seed, 1)) for seed in range(count)]


def test_the_crop_reaches_every_edge_of_the_picture():
    found = many((100, 100), Augmentation(scale_jitter=(2.0, 2.0)))
    windows = np.array([placement.window for placement in found])
    assert (windows[:, :2].min(axis=0) == 0).all()
    assert ((windows[:, :2] + windows[:, 2:]).max(axis=0) == 100).all()


def test_the_whole_range_of_scales_is_drawn():
    found = many((CANVAS, CANVAS), Augmentation(scale_jitter=(0.5, 2.0)))
    scales = [scale_of(placement).numpy()[0] for placement in found]
    assert 0.5 <= min(scales) < 0.6
    assert 1.9 < max(scales) <= 2.02
    assert 1.1 < np.mean(scales) < 1.4


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"flip": False}, {(0, 0, 0)}),
        ({}, {(0, 0, 0), (0, 0, 1)}),
        ({"flip": False, "vertical_flip": True}, {(0, 0, 0), (0, 1, 0)}),
        ({"flip": False, "quarter_turns": True}, {(0, 0, 0), (1, 1, 0), (0, 1, 1), (1, 0, 1)}),
        (
            {"vertical_flip": True, "quarter_turns": True},
            {(a, b, c) for a in (0, 1) for b in (0, 1) for c in (0, 1)},
        ),
    ],
)
def test_pictures_are_mirrored_and_turned_as_asked_each_way_as_often(options, wanted):
    turns = [tuple(p.turn.numpy().astype(int)) for p in many((40, 60), Augmentation(**options))]
    counts = {turn: turns.count(turn) for turn in set(turns)}
    assert set(counts) == wanted
    assert min(counts.values()) > 0.5 * len(turns) / len(wanted)


def test_a_quarter_turn_is_that_of_numpy():
    part = np.arange(4 * 6 * 3, dtype="float32").reshape(4, 6, 3)
    for quarters, turn in enumerate([(0, 0, 0), (1, 1, 0), (0, 1, 1), (1, 0, 1)]):
        wanted = np.rot90(part, quarters)
        placement = Placement(
            tf.constant(0),
            tf.constant([0, 0, 4, 6]),
            tf.constant(turn) > 0,
            tf.constant(wanted.shape[:2]),
        )
        np.testing.assert_array_equal(place_image(part, placement, wanted.shape[:2]), wanted)


@quick
@given(sides, sides, augmentations, seeds)
def test_the_same_seed_gives_the_same_placement(height, width, augmentation, seed):
    first, second = (
        random_placement([height, width], (CANVAS, CANVAS), augmentation, seed) for _ in range(2)
    )
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)
