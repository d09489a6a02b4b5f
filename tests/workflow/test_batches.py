"""Batches for plain `fit`, of every task."""

import shutil

import numpy as np
import pytest
import tensorflow as tf

import keras_effspine
from keras_effspine.errors import DataError, RecipeError
from keras_effspine.stream.augmentation import Augmentation

pytestmark = pytest.mark.integration


def silent(line):
    pass


@pytest.fixture
def data(small_shapes):
    return keras_effspine.load_data("shapes", report=silent)


def epoch(dataset):
    return [images.numpy() for images, _ in dataset]


def test_an_epoch_has_its_length_and_is_another_each_time(data):
    dataset = keras_effspine.batches(data, image_size=64, batch_size=3)
    assert len(dataset) == 2  # 8 pictures
    first, second = epoch(dataset), epoch(dataset)
    assert [images.shape for images in first] == [(3, 64, 64, 3)] * 2
    assert any((one != other).any() for one, other in zip(first, second, strict=True))
    again = keras_effspine.batches(data, image_size=64, batch_size=3)
    for one, other in zip([*first, *second], [*epoch(again), *epoch(again)], strict=True):
        np.testing.assert_array_equal(one, other)
    other = keras_effspine.batches(data, image_size=64, batch_size=3, seed=1)
    assert any((a != b).any() for a, b in zip(first, epoch(other), strict=True))
    few = keras_effspine.batches(data, image_size=64, batch_size=20)
    assert [images.shape[0] for images in epoch(few)] == [20]


def test_an_epoch_shows_no_picture_twice(data):
    plain = {"flip": False, "scale_jitter": (1.0, 1.0)}
    dataset = keras_effspine.batches(data, image_size=64, batch_size=4, augmentation=plain)
    for _ in range(2):
        images = np.concatenate(epoch(dataset))
        assert len(np.unique(images.reshape(8, -1), axis=0)) == 8


def test_validation_pictures_come_once_in_order_and_as_they_are(data):
    dataset = keras_effspine.batches(data, image_size=64, batch_size=3, training=False)
    batches = list(dataset)
    assert [len(images) for images, _ in batches] == [3, 1]
    labels = tf.concat([labels["classes"] for _, labels in batches], 0).numpy()
    for row, record in zip(labels, data.val.records, strict=True):
        assert sorted(row[row >= 0]) == sorted(record.classes[~record.is_crowd])
    from keras_effspine.data.images.letterbox import read_letterboxed

    placed = read_letterboxed(data.val.records[0], (64, 64))
    np.testing.assert_allclose(batches[0][0][0], placed.image, atol=0.01)
    boxes = data.val.records[0].boxes[~data.val.records[0].is_crowd]
    found = batches[0][1]["boxes"][0].numpy()[: len(boxes)]
    np.testing.assert_allclose(found[:, :2], boxes[:, :2] * placed.scale[0], atol=0.1)


@pytest.mark.parametrize("training", [True, False])
def test_boxes_are_in_the_format_that_is_asked_for_and_padding_stays(data, training):
    options = {"image_size": 64, "batch_size": 4, "training": training}
    xyxy, rel = (
        next(iter(keras_effspine.batches(data, bounding_box_format=form, **options)))[1]
        for form in ("xyxy", "rel_xywh")
    )
    real = rel["classes"].numpy() >= 0
    assert (~real).any()
    assert (rel["boxes"].numpy()[~real] == -1).all()
    corners = rel["boxes"].numpy()[real] * 64
    corners[:, 2:] += corners[:, :2]
    np.testing.assert_allclose(corners, xyxy["boxes"].numpy()[real], atol=1e-3)


def test_each_task_has_labels_of_its_own(data):
    options = {"image_size": 64, "batch_size": 2}
    for training in (True, False):
        instances = keras_effspine.batches(
            data, task="instance_segmentation", training=training, **options
        )
        _, labels = next(iter(instances))
        assert labels["masks"].shape[:1] == labels["boxes"].shape[:1] == (2,)
        maps = keras_effspine.batches(
            data, task="semantic_segmentation", training=training, **options
        )
        _, labels = next(iter(maps))
        assert labels.shape == (2, 64, 64)


def test_fit_takes_them_epoch_for_epoch(data, tiny):
    training = keras_effspine.batches(data, image_size=64, batch_size=4)
    validation = keras_effspine.batches(data, image_size=64, batch_size=4, training=False)
    tiny.compile("sgd", "mse")
    history = tiny.fit(
        training.map(lambda images, labels: (images, tf.reduce_sum(labels["classes"], 1))),
        validation_data=validation.map(lambda i, labels: (i, tf.reduce_sum(labels["classes"], 1))),
        epochs=2,
        verbose=0,
    )
    assert len(history.history["val_loss"]) == 2


@pytest.fixture
def tiny():
    import keras

    images = keras.Input((64, 64, 3))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(images))
    return keras.Model(images, keras.layers.Dense(1)(x))


def test_another_picture_stands_for_a_broken_one_in_validation(handful, tmp_path):
    picture = sorted(handful.images.iterdir())[0]
    classes = tmp_path / "classes"
    for name in "ab":
        (classes / name).mkdir(parents=True)
        for i in range(6):
            shutil.copy(picture, classes / name / f"{i}.png")
    broken = classes / "b" / "5.png"  # the last one, after which comes the first
    broken.write_bytes(broken.read_bytes()[:2000])
    data = keras_effspine.load_data(classes, report=silent)
    dataset = keras_effspine.batches(data, image_size=64, batch_size=5, training=False)
    labels = tf.concat([labels for _, labels in dataset], 0).numpy()
    assert len(dataset) == 3
    assert labels.sum(axis=0).tolist() == [7, 5]


def test_mistakes_are_named(data, handful):
    with pytest.raises(ValueError, match="must be 1 or more. Received: image_size=0, batch_size=8"):
        keras_effspine.batches(data, image_size=0)
    with pytest.raises(RecipeError, match="augmentation: scale_jitter: must be two positive"):
        keras_effspine.batches(data, augmentation={"scale_jitter": (2, 1)})
    with pytest.raises(RecipeError, match="augmentation: flop: Extra inputs"):
        keras_effspine.batches(data, augmentation={"flop": True})
    with pytest.raises(RecipeError, match="there are: detection"):
        keras_effspine.batches(data, task="cooking")
    with pytest.raises(DataError, match="have no class to learn"):
        keras_effspine.batches(data, task="classification")
    with pytest.raises(DataError, match="nowhere: there is no such file"):
        keras_effspine.batches("nowhere")
    assert keras_effspine.batches(data, augmentation=Augmentation(mosaic=0.5), image_size=64)
