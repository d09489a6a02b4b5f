"""Pictures are placed in NumPy as TensorFlow's stream places them."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_effspine.data.images.letterbox import letterbox, read_letterboxed
from keras_effspine.data.record import RecordSet, record_without_objects
from keras_effspine.stream.decoding import ImageDecoder
from keras_effspine.stream.pipeline import evaluation_batches

SIZES = [(64, 64), (40, 61), (90, 33), (150, 200), (700, 413), (1100, 1030), (7, 3)]


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_file_is_read_as_in_evaluation(tmp_path, suffix):
    random, records = np.random.default_rng(0), []
    for number, (width, height) in enumerate(SIZES):
        small = random.integers(0, 255, (6, 6, 3)).astype("uint8")
        path = tmp_path / f"{number}.{suffix}"
        Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC).save(path)
        records.append(
            record_without_objects(image_id=number, path=path, width=width, height=height)
        )
    record_set = RecordSet(tuple(records), ("a",), (0,), "here")
    batches = evaluation_batches(record_set, ImageDecoder(record_set), 64, len(SIZES))
    expected = next(batches.as_numpy_iterator())
    for number, record in enumerate(records):
        found = read_letterboxed(record, (64, 64))
        np.testing.assert_allclose(found.scale, expected["scale"][number], rtol=1e-6)
        # TensorFlow and Pillow bring decoders of their own for JPEG.
        error = abs(found.image - expected["images"][number])
        assert error.max() < (12 if suffix == "jpg" else 0.02)
        assert error.mean() < (1.5 if suffix == "jpg" else 0.002)


def test_a_canvas_need_not_be_square_and_is_filled_from_the_top_left():
    image = np.full((30, 40, 3), 200, "uint8")
    placed = letterbox(image, (60, 100))
    assert placed.image.shape == (60, 100, 3)
    assert placed.scale.tolist() == [2.0, 2.0]
    assert (placed.image[:, :80] == 200).all()
    assert (placed.image[:, 80:] == 0).all()


def test_resizing_is_tensorflows():
    image = np.random.default_rng(0).integers(0, 255, (37, 53, 3)).astype("uint8")
    placed = letterbox(image, (64, 64)).image
    expected = tf.image.resize(image, (45, 64)).numpy()
    np.testing.assert_allclose(placed[:45], expected, atol=1e-2)
