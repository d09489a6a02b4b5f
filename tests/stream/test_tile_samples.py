"""Training on parts of large pictures."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_effspine.data.record import Record, RecordSet
from keras_effspine.stream.augmentation import Augmentation
from keras_effspine.stream.decoding import ImageDecoder
from keras_effspine.stream.pipeline import training_batches

pytestmark = pytest.mark.integration

AS_IT_IS = {"scale_jitter": (1.0, 1.0), "flip": False}


@pytest.fixture(scope="module")
def record_set(tmp_path_factory):
    """One picture of 640 x 480 px whose colours tell the place, with one object and a crowd."""
    path = tmp_path_factory.mktemp("large") / "1.png"
    rows, columns = np.mgrid[:480, :640]
    pixels = np.stack([rows // 4, columns // 4, (rows % 4) * 16 + columns % 4], axis=-1)
    Image.fromarray(pixels.astype("uint8")).save(path)
    record = Record(
        image_id=1,
        path=path,
        width=640,
        height=480,
        boxes=np.array([[400.0, 300.0, 12.0, 8.0], [0.0, 0.0, 100.0, 100.0]]),
        classes=np.array([0, 0]),
        areas=np.array([96.0, 10_000.0]),
        is_crowd=np.array([False, True]),
        annotation_ids=(1, 2),
    )
    return RecordSet((record,), ("thing",), (1,), "large")


def samples(record_set, tile_size, count=60, image_size=64, seed=0, **augmentation):
    def fields(sample):
        missing = 8 - tf.shape(sample["boxes"])[0]
        return tf.pad(sample["boxes"], [[0, missing], [0, 0]], constant_values=-1.0)

    batches = training_batches(
        record_set,
        ImageDecoder(record_set),
        fields,
        image_size,
        count,
        seed,
        Augmentation(**{**AS_IT_IS, **augmentation}),
        tile_size=tile_size,
    )
    images, boxes = next(batches.as_numpy_iterator())
    return images, [rows[rows[:, 2] > 0] for rows in boxes]


def corner_of(image):
    """The place in the picture, x and y, of the first pixel."""
    row, column, rest = image[0, 0].astype(int)
    return 4 * column + rest % 16, 4 * row + rest // 16


def test_a_sample_is_a_part_of_the_picture_as_it_is_with_what_lies_there(record_set):
    images, boxes = samples(record_set, 64)
    corners = {corner_of(image) for image in images}
    assert len(corners) > 40
    for image, found in zip(images, boxes, strict=True):
        x, y = corner_of(image)
        end = np.array([x + 63, y + 63])
        last = image[63, 63].astype(int)
        assert (4 * last[1] + last[2] % 16, 4 * last[0] + last[2] // 16) == tuple(end)
        seen = np.clip([400 - x, 300 - y, 412 - x, 308 - y], 0, 64)
        inside = (seen[2:] - seen[:2] >= 1).all()
        assert found.tolist() == ([seen.tolist()] if inside else [])


def test_half_of_the_parts_lie_around_an_object(record_set):
    # A part at random shows it, or a bit of it, once in fifty times.
    _, boxes = samples(record_set, 64, count=200)
    assert 0.4 < np.mean([len(found) > 0 for found in boxes]) < 0.65
    places = np.array([found[0, :2] for found in boxes if len(found)])
    assert (np.ptp(places, axis=0) > 40).all()  # anywhere in the part, not in its midst


def test_parts_are_scaled_to_the_input_and_jittered(record_set):
    _, boxes = samples(record_set, 32, count=100)
    whole = [found[0, 2:] - found[0, :2] for found in boxes if len(found)]
    assert np.max(whole, axis=0) == pytest.approx([24, 16], abs=0.1)  # twice as large
    _, jittered = samples(record_set, 32, count=100, scale_jitter=(0.5, 1.5))
    whole = [found[0, 2:] - found[0, :2] for found in jittered if len(found)]
    assert np.max(whole, axis=0)[0] > 30


def test_mosaics_are_made_of_parts_at_full_resolution(record_set):
    _, boxes = samples(record_set, 64, count=100, mosaic=1.0)
    sizes = np.concatenate([found[:, 2:] - found[:, :2] for found in boxes])
    assert np.max(sizes, axis=0) == pytest.approx([12, 8], abs=0.1)
    assert np.median(sizes, axis=0) == pytest.approx([12, 8], abs=0.1)


def test_a_picture_smaller_than_a_part_is_shown_whole(record_set):
    images, boxes = samples(record_set, 1280, count=8, image_size=128)
    for image, found in zip(images, boxes, strict=True):
        assert not image[48:].any() and not image[:, 64:].any()  # a tenth of its size
        np.testing.assert_allclose(found, [[40, 30, 41.2, 30.8]], atol=0.1) if len(found) else None


def test_a_seed_gives_the_same_parts_again(record_set):
    for one, other in zip(samples(record_set, 64, 8), samples(record_set, 64, 8), strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    assert not np.array_equal(samples(record_set, 64, 8, seed=1)[0], samples(record_set, 64, 8)[0])
