"""RoIAlign against a slow reference and torchvision's operator."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_effspine.layers.roi_align import roi_align, roi_levels


def bilinear(plane, y, x):
    """One point of `(height, width, channels)`, as torchvision interpolates it."""
    height, width, channels = plane.shape
    if y < -1 or y > height or x < -1 or x > width:
        return np.zeros(channels)
    y, x = np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)
    top, left = int(y), int(x)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    dy, dx = y - top, x - left
    upper = plane[top, left] * (1 - dx) + plane[top, right] * dx
    lower = plane[bottom, left] * (1 - dx) + plane[bottom, right] * dx
    return upper * (1 - dy) + lower * dy


def reference(plane, box, stride, size, samples=2):
    left, top, right, bottom = np.asarray(box, "float64") / stride
    crop = np.zeros((size, size, plane.shape[-1]))
    for row in range(size):
        for column in range(size):
            points = [
                bilinear(
                    plane,
                    top - 0.5 + (bottom - top) * (row + (i + 0.5) / samples) / size,
                    left - 0.5 + (right - left) * (column + (j + 0.5) / samples) / size,
                )
                for i in range(samples)
                for j in range(samples)
            ]
            crop[row, column] = np.mean(points, axis=0)
    return crop


BOXES = np.array(
    [
        [[3.0, 5.0, 40.0, 33.0], [-9.0, -30.0, 20.0, 10.0], [100.0, 90.0, 130.0, 131.0]],
        [[0.0, 0.0, 128.0, 96.0], [17.3, 20.1, 17.3, 20.1], [60.0, 1.0, 110.0, 95.0]],
    ]
)


@pytest.fixture(autouse=True, params=[True, False], ids=["gathered", "multiplied"])
def way(request, monkeypatch):
    """Both ways to the same numbers, whatever this machine is."""
    monkeypatch.setattr("keras_effspine.layers.roi_align.runs_on_one_cpu", lambda: request.param)


@pytest.fixture
def pyramid():
    random = np.random.default_rng(0)
    return {
        level: random.normal(size=(2, -(-96 // 2**level), -(-128 // 2**level), 3)).astype("float32")
        for level in (3, 4, 5)
    }


@pytest.mark.parametrize("size", [2, 7])
@pytest.mark.parametrize("canonical_size", [40.0, 224.0])
def test_each_crop_is_that_of_the_reference_at_the_level_of_its_box(pyramid, size, canonical_size):
    crops = ops.convert_to_numpy(roi_align(pyramid, BOXES, size, canonical_size=canonical_size))
    levels = ops.convert_to_numpy(roi_levels(BOXES, 3, 5, canonical_size))
    assert crops.shape == (2, 3, size, size, 3)
    assert canonical_size == 224.0 or len(set(levels.flat)) == 3
    for picture in range(2):
        for box, crop, level in zip(BOXES[picture], crops[picture], levels[picture], strict=True):
            expected = reference(pyramid[level][picture], box, 2**level, size)
            np.testing.assert_allclose(crop, expected, atol=1e-5)


def test_the_level_is_the_one_of_the_paper_and_stays_within_the_pyramid():
    sides = np.array([1.0, 55.0, 56.0, 111.0, 112.0, 223.0, 224.0, 447.0, 448.0, 900.0, 5000.0])
    boxes = np.stack([0 * sides, 0 * sides, sides, sides], axis=-1)
    found = ops.convert_to_numpy(roi_levels(boxes.astype("float32"), 3, 7))
    assert found.tolist() == [3, 3, 3, 3, 3, 3, 4, 4, 5, 6, 7]
    assert roi_levels(np.array([0.0, 0.0, -4.0, 3.0]), 3, 7) == 3


def test_the_gradient_is_that_of_the_reference(pyramid):
    import tensorflow as tf

    size, weight = 3, np.random.default_rng(1).normal(size=(2, 3, 3, 3, 3))
    features = {level: tf.Variable(x) for level, x in pyramid.items()}
    boxes = tf.Variable(BOXES.astype("float32"))
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(roi_align(features, boxes, size, canonical_size=40.0) * weight)
    gradients, of_boxes = tape.gradient(value, [features, boxes])
    assert of_boxes is None
    levels = ops.convert_to_numpy(roi_levels(BOXES, 3, 5, 40.0))
    for level, x in pyramid.items():
        expected = np.zeros(x.shape)
        # The crop is linear in the map: its response to a one at each cell is the gradient.
        for picture, number in zip(*np.nonzero(levels == level), strict=True):
            for cell in np.ndindex(x.shape[1:3]):
                one = np.zeros((*x.shape[1:3], 1))
                one[cell] = 1.0
                response = reference(one, BOXES[picture, number], 2**level, size)
                expected[(picture, *cell)] += np.sum(
                    response * weight[picture, number], axis=(0, 1)
                )
        np.testing.assert_allclose(gradients[level], expected, atol=1e-4)


def test_it_compiles_under_xla(pyramid):
    import tensorflow as tf

    compiled = tf.function(lambda x: roi_align(x, BOXES, 7), jit_compile=True)
    np.testing.assert_allclose(compiled(pyramid), roi_align(pyramid, BOXES, 7), atol=1e-5)


def test_bfloat16_features_give_bfloat16_crops(pyramid):
    halved = {level: ops.cast(x, "bfloat16") for level, x in pyramid.items()}
    crops = roi_align(halved, BOXES, 7)
    assert keras.backend.standardize_dtype(crops.dtype) == "bfloat16"
    np.testing.assert_allclose(
        ops.cast(crops, "float32"), roi_align(pyramid, BOXES, 7), atol=0.05, rtol=0.05
    )


# torchvision 0.29.1 (torch 2.14.1, CPU): roi_align(x, [boxes], output_size=2, spatial_scale=1 / 8,
# sampling_ratio=2, aligned=True) on x = default_rng(0).normal(size=(1, 2, 12, 16)) in float32, and
# the gradient of the sum of its squares: channel sums of magnitudes, and a corner of channel 0.
TORCHVISION_BOXES = [
    [[3.0, 5.0, 40.0, 33.0], [-9.0, -30.0, 20.0, 10.0]],
    [[100.0, 70.0, 130.0, 131.0], [17.3, 20.1, 17.3, 20.1]],
]
TORCHVISION_CROPS = [
    [[[0.0044856, 0.18566], [0.7798244, -0.2107641]],
     [[0.481607, 0.3321903], [0.4848028, 0.3934891]]],
    [[[0.0, 0.0], [0.0104954, 0.0450014]], [[0.0, 0.0], [0.2230001, 0.0835808]]],
    [[[-0.3059807, -1.5452801], [0.0, 0.0]], [[-0.5103991, 0.2015582], [0.0, 0.0]]],
    [[[0.3291954, 0.3291954], [0.3291954, 0.3291954]],
     [[1.1148177, 1.1148177], [1.1148177, 1.1148177]]],
]  # fmt: skip
TORCHVISION_GRADIENT_SUMS = [8.505592, 13.65717]
TORCHVISION_GRADIENT_CORNER = [
    [0.0122, 0.0224, 0.0209, 0.0343, 0.0374],
    [0.0030, 0.0052, 0.0276, 0.0881, 0.0963],
    [0.1471, 1.1047, 1.8794, -0.0269, -0.0293],
]


def test_crops_and_gradient_are_those_of_torchvision():
    import tensorflow as tf

    x = np.random.default_rng(0).normal(size=(1, 2, 12, 16)).astype("float32")
    x = tf.Variable(np.moveaxis(x, 1, -1))
    with tf.GradientTape() as tape:
        crops = roi_align({3: x}, np.reshape(TORCHVISION_BOXES, (1, 4, 4)), 2)
        value = tf.reduce_sum(tf.square(crops))
    np.testing.assert_allclose(np.moveaxis(crops[0], -1, 1), TORCHVISION_CROPS, atol=1e-6)
    gradient = tape.gradient(value, x).numpy()[0]
    np.testing.assert_allclose(np.abs(gradient).sum((0, 1)), TORCHVISION_GRADIENT_SUMS, rtol=1e-5)
    np.testing.assert_allclose(gradient[:3, :5, 0], TORCHVISION_GRADIENT_CORNER, atol=6e-5)
