"""RandAugment, beside Pillow's operations."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageEnhance, ImageOps

from keras_effspine.stream.rand_augment import OPERATIONS, rand_augment


@pytest.fixture(scope="module")
def image():
    """A smooth picture, whose pixels a small error of place does not change much."""
    random = np.random.default_rng(0)
    small = Image.fromarray(random.integers(20, 200, (5, 6, 3), "uint8"))
    return small.resize((60, 50), Image.Resampling.BICUBIC)


def apply(name, image, strength):
    found = OPERATIONS[name](tf.cast(np.asarray(image), "float32"), tf.constant(strength))
    return np.clip(found, 0, 255)


@pytest.mark.parametrize(
    ("name", "strength", "reference", "error"),
    [
        ("autocontrast", 0.5, ImageOps.autocontrast, 1.1),
        ("equalize", 0.5, ImageOps.equalize, 0.01),
        ("solarize", -0.5, lambda x: ImageOps.solarize(x, 128), 0.01),
        ("posterize", 1.0, lambda x: ImageOps.posterize(x, 4), 0.01),
        ("color", 1.0, lambda x: ImageEnhance.Color(x).enhance(1.9), 1.6),
        ("contrast", -1.0, lambda x: ImageEnhance.Contrast(x).enhance(0.1), 1.1),
        ("brightness", -0.5, lambda x: ImageEnhance.Brightness(x).enhance(0.55), 1.1),
        ("sharpness", 1.0, lambda x: ImageEnhance.Sharpness(x).enhance(1.9), 1.6),
        ("rotate", 0.5, lambda x: x.rotate(15, Image.Resampling.BILINEAR), 3.0),
        ("identity", 1.0, lambda x: x, 0.0),
    ],
)
def test_a_change_is_pillows(image, name, strength, reference, error):
    found, wanted = apply(name, image, strength), np.asarray(reference(image), "float32")
    inside = (slice(14, -14), slice(14, -14))  # a turn uncovers the corners
    assert np.abs(found - wanted)[inside].max() <= error
    assert name == "identity" or np.abs(found - np.asarray(image)).max() > 2


@pytest.mark.parametrize(("name", "axis"), [("translate_x", 1), ("translate_y", 0)])
def test_a_translation_moves_the_picture_and_uncovers_grey(image, name, axis):
    pixels = np.moveaxis(np.asarray(image, "float32"), axis, 0)
    shift = round(0.3 * pixels.shape[0])
    moved = np.moveaxis(apply(name, image, 1.0), axis, 0)
    np.testing.assert_allclose(moved[:-shift], pixels[shift:], atol=1e-2)
    assert (moved[-shift + 1 :] == 128).all()


@pytest.mark.parametrize("name", ["shear_x", "shear_y"])
def test_a_shear_leaves_the_middle_in_its_place(image, name):
    moved = apply(name, image, 1.0)
    pixels = np.asarray(image, "float32")
    np.testing.assert_allclose(moved[24:26, 29:31], pixels[24:26, 29:31], atol=6)
    assert np.abs(moved - pixels).max() > 20


def test_the_same_seed_changes_a_picture_in_the_same_way(image):
    pixels = np.asarray(image)
    found = [rand_augment(pixels, 2, 9, tf.constant([3, seed], "int64")) for seed in (1, 1, 2, 3)]
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2]) or not np.array_equal(found[0], found[3])
    for one in found:
        assert one.shape == pixels.shape
        assert 0 <= np.min(one) and np.max(one) <= 255


def test_every_change_is_chosen_within_a_graph(image):
    change = tf.function(lambda seed: rand_augment(tf.constant(np.asarray(image)), 1, 9, seed))
    found = {change(tf.constant([0, seed])).numpy().tobytes() for seed in range(150)}
    assert len(found) >= len(OPERATIONS)
