"""Pictures that break while they are read."""

import io
import threading

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_effspine.data.record import Record, RecordSet
from keras_effspine.errors import DataError
from keras_effspine.stream.batch_log import BatchLog
from keras_effspine.stream.decoding import ImageDecoder
from keras_effspine.stream.pipeline import evaluation_batches, training_batches

CANVAS = 32


def jpeg():
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3)).astype("uint8")
    stream = io.BytesIO()
    Image.fromarray(noise).save(stream, "JPEG")
    return stream.getvalue()


def image_set(folder, count, broken):
    """`count` JPEG files, of which the first `broken` break off after their header."""
    records = []
    for index in range(count):
        path = folder / f"{index}.jpg"
        path.write_bytes(jpeg()[: 1000 if index < broken else None])
        records.append(
            Record(
                image_id=100 + index,
                path=path,
                width=80,
                height=60,
                boxes=np.array([[1.0, 1.0, 30.0, 30.0]]),
                classes=np.array([0]),
                areas=np.array([900.0]),
                is_crowd=np.array([False]),
            )
        )
    return RecordSet(tuple(records), ("a",), (1,), "some.json")


def within(seconds, work):
    """Runs `work` and fails, instead of waiting for ever, if it does not end."""
    outcome = []

    def run():
        try:
            outcome.append(work())
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    assert outcome, f"still running after {seconds} s"
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]


def training_stream(record_set, decoder, batch_size=4, log=None):
    def fields(sample):
        return tf.reduce_sum(tf.cast(sample["classes"], "float32"))

    return training_batches(record_set, decoder, fields, CANVAS, batch_size, seed=0, log=log)


def take(record_set, decoder, batches):
    with decoder.failures_as_data_errors():
        return list(training_stream(record_set, decoder).take(batches).as_numpy_iterator())


def test_a_truncated_jpeg_is_skipped_named_and_counted_once(tmp_path):
    record_set = image_set(tmp_path, 20, broken=1)
    decoder = ImageDecoder(record_set)
    batches = within(60, lambda: take(record_set, decoder, 20))
    assert len(batches) == 20
    assert all(image.any() for images, _ in batches for image in images)
    (line,) = decoder.describe()
    assert str(record_set.records[0].path) in line
    assert "image 100" in line
    assert len(line.splitlines()) == 1


def test_evaluation_marks_the_truncated_pictures_and_keeps_the_places_of_the_rest(tmp_path):
    record_set = image_set(tmp_path, 20, broken=2)
    decoder = ImageDecoder(record_set)
    batches = evaluation_batches(record_set, decoder, CANVAS, 4).as_numpy_iterator()
    batches = list(batches)
    indices = np.concatenate([batch["index"] for batch in batches])
    assert indices.tolist() == [-1, -1, *range(2, 20)]
    assert not batches[0]["images"][:2].any()
    assert (batches[0]["scale"][:2] == 1).all()
    assert sorted(decoder.failed) == [0, 1]


def test_a_picture_that_fails_is_replaced_and_no_other_place_of_the_stream_changes(tmp_path):
    shown = []
    for broken in (0, 1):
        record_set = image_set(tmp_path, 20, broken)
        log = BatchLog(record_set)
        for _ in training_stream(record_set, ImageDecoder(record_set), log=log).take(10):
            pass
        shown.append(np.array([log.image_ids(number) for number in range(10)]))
    changed = shown[0] != shown[1]
    assert (shown[0][changed] == 100).all()
    assert changed.sum() == 2  # once a pass
    assert 100 not in shown[1]


@pytest.mark.parametrize("harm", ["remove", "empty", "text", "folder"])
def test_a_file_that_went_bad_after_the_checks_is_skipped_and_named(tmp_path, harm):
    record_set = image_set(tmp_path, 12, broken=0)
    path = record_set.records[3].path
    path.unlink()
    if harm == "folder":
        path.mkdir()
    elif harm != "remove":
        path.write_text("" if harm == "empty" else "not a picture")
    decoder = ImageDecoder(record_set)
    batches = evaluation_batches(record_set, decoder, CANVAS, 4).as_numpy_iterator()
    assert sum((batch["index"] >= 0).sum() for batch in batches) == 11
    assert str(path) in decoder.describe()[0]


@pytest.mark.parametrize("broken", [3, 20])
def test_too_many_broken_pictures_end_the_training_stream(tmp_path, broken):
    record_set = image_set(tmp_path, 20, broken)
    decoder = ImageDecoder(record_set)
    with pytest.raises(DataError, match=r"of the 20 pictures of some\.json cannot be decoded"):
        within(60, lambda: take(record_set, decoder, 1000))


def test_a_single_picture_that_is_broken_does_not_hang_the_endless_stream(tmp_path):
    record_set = image_set(tmp_path, 1, broken=1)
    decoder = ImageDecoder(record_set)
    with pytest.raises(DataError, match=r"1 of the 1 pictures.*image 100"):
        within(60, lambda: take(record_set, decoder, 1))


def test_too_many_broken_pictures_end_fit(tmp_path):
    record_set = image_set(tmp_path, 10, broken=4)
    decoder = ImageDecoder(record_set)
    model = keras.Sequential([keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(1)])
    model.compile("sgd", "mse")

    def fit():
        with decoder.failures_as_data_errors():
            model.fit(training_stream(record_set, decoder), steps_per_epoch=50, verbose=0)

    with pytest.raises(DataError, match="cannot be decoded: .*replace the files"):
        within(60, fit)


def test_other_errors_of_tensorflow_stay_what_they_are(tmp_path):
    decoder = ImageDecoder(image_set(tmp_path, 10, broken=0))
    with pytest.raises(tf.errors.InvalidArgumentError):
        with decoder.failures_as_data_errors():
            tf.debugging.assert_equal(1, 2)
