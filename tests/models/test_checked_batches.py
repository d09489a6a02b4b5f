"""Models refuse wrong batches, however they come, and train on right ones."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from model_cases import CASES, IMAGES

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def models():
    return {name: case.compiled(case.build()) for name, case in CASES.items()}


def arrays(images, labels):
    return {"x": images, "y": labels, "batch_size": 2}


def dataset(images, labels):
    return {"x": tf.data.Dataset.from_tensor_slices((images, labels)).batch(2)}


def generator(images, labels):
    def batches():
        while True:
            for start in range(0, len(images), 2):
                part = slice(start, start + 2)
                yield images[part], keras.tree.map_structure(lambda x, p=part: x[p], labels)

    return {"x": batches(), "steps_per_epoch": 2}


def dictionary(images, labels):
    return {"x": {"images": images, "bounding_boxes": labels}, "batch_size": 2}


def dictionaries(images, labels):
    data = {"images": images, "bounding_boxes": labels}
    return {"x": tf.data.Dataset.from_tensor_slices(data).batch(2)}


ALL = (arrays, dataset, generator)
SOURCES = [(name, source) for name in CASES for source in ALL]
SOURCES += [("detection", dictionary), ("detection", dictionaries)]


def wrong_labels(name):
    """Labels of the case with something wrong in the last batch, and what is said of it."""
    labels = keras.tree.map_structure(np.copy, CASES[name].labels)
    if name in ("detection", "instances"):
        labels["classes"][2, 0] = 3
        return labels, r"from 0 to 2; -1 pads .* Received: 3\.0 \(classes"
    if name == "classification":
        labels[3] = 3
        return labels, r"from 0 to 2\. Received: 3 \(labels"
    labels[2, 0, 5] = 7
    return labels, r"from 0 to 2; 255 is ignored\. Received: 7 \(labels"


@pytest.mark.parametrize(("name", "source"), SOURCES)
def test_labels_that_are_no_class_are_refused_wherever_they_come_from(models, name, source):
    labels, message = wrong_labels(name)
    with pytest.raises(ValueError, match=message) as error:
        models[name].fit(**source(IMAGES, labels), verbose=0)
    assert len(str(error.value)) < 400
    data = source(IMAGES, labels)
    data["steps"] = data.pop("steps_per_epoch", None)
    with pytest.raises(ValueError, match=message):
        models[name].evaluate(**data, verbose=0)


@pytest.mark.parametrize(("name", "source"), SOURCES)
def test_right_batches_are_trained_on_also_after_wrong_ones(models, name, source):
    history = models[name].fit(**source(IMAGES, CASES[name].labels), verbose=0).history
    assert np.isfinite(history["loss"]).all()


def test_wrong_validation_data_are_refused_and_training_is_looked_at_on(models):
    name = "detection"
    labels, message = wrong_labels(name)
    good = dataset(IMAGES, CASES[name].labels)["x"]
    with pytest.raises(ValueError, match=message):
        models[name].fit(good, validation_data=dataset(IMAGES, labels)["x"], verbose=0)
    model = CASES[name].compiled(models[name])
    switched = good.concatenate(dataset(IMAGES, labels)["x"])  # wrong from the second epoch on
    with pytest.raises(ValueError, match=message):
        model.fit(
            switched,
            epochs=2,
            steps_per_epoch=2,
            validation_data=good,
            validation_steps=1,
            verbose=0,
        )


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ([np.nan, 0, 5, 5], "must be finite"),
        ([30, 30, -10, 5], "no negative width"),
        ([1, 1, 0, 5], "must have an area"),
        ([500, 500, 900, 900], "lie in their picture"),
    ],
)
@pytest.mark.parametrize("source", ALL)
def test_boxes_that_are_none_are_refused(models, box, message, source):
    labels = keras.tree.map_structure(np.copy, CASES["detection"].labels)
    labels["boxes"][2, 0] = box
    with pytest.raises(ValueError, match=f"{message}.*Received: box .* as 'xywh'"):
        models["detection"].fit(**source(IMAGES, labels), verbose=0)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("source", ALL)
def test_grey_pictures_are_refused(models, name, source):
    grey = IMAGES[..., :1]
    with pytest.raises(ValueError, match="Grey pictures.*Received"):
        models[name].fit(**source(grey, CASES[name].labels), verbose=0)


@pytest.mark.parametrize("name", CASES)
def test_predict_refuses_grey_single_and_missing_pictures(models, name):
    for images, message in (
        (IMAGES[..., :1], "Grey pictures"),
        (IMAGES[0], r"images\[None\]"),
        (IMAGES[:0], "must hold pictures"),
        (tf.data.Dataset.from_tensor_slices(IMAGES[..., :1]).batch(2), "Grey pictures"),
    ):
        with pytest.raises(ValueError, match=message):
            models[name].predict(images, verbose=0)


@pytest.mark.parametrize("name", CASES)
def test_no_pictures_are_refused(models, name):
    labels = keras.tree.map_structure(lambda x: x[:0], CASES[name].labels)
    with pytest.raises(ValueError, match="must hold pictures"):
        models[name].fit(IMAGES[:0], labels, verbose=0)
    with pytest.raises(ValueError, match="must hold pictures"):
        models[name].train_on_batch(IMAGES[:0], labels)


@pytest.mark.parametrize("source", ALL)
def test_label_maps_of_floats_are_refused(models, source):
    labels = CASES["segmentation"].labels.astype("float32")
    with pytest.raises(ValueError, match="whole numbers.*Received: labels of dtype float32"):
        models["segmentation"].fit(**source(IMAGES, labels), verbose=0)


def test_one_hot_labels_have_a_column_for_each_class(models):
    model = CASES["classification"].compiled(
        CASES["classification"].build(), loss="categorical_crossentropy"
    )
    model.fit(IMAGES, np.eye(3)[[0, 1, 2, 0]], verbose=0)
    with pytest.raises(ValueError, match=r"one-hot \(batch, 3\).*shape \(4, 5\)"):
        model.fit(IMAGES, np.eye(5)[[0, 1, 2, 0]], verbose=0)


def test_single_batches_are_looked_at_too(models):
    for name in CASES:
        labels, message = wrong_labels(name)
        with pytest.raises(ValueError, match=message):
            models[name].train_on_batch(IMAGES, labels)
        with pytest.raises(ValueError, match=message):
            models[name].test_on_batch(IMAGES, labels)


@pytest.mark.parametrize("source", [arrays, dataset])
def test_under_a_strategy_and_with_xla_what_can_be_looked_at_is(source):
    labels, message = wrong_labels("detection")
    case = CASES["detection"]
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        model = case.compiled(case.build())
    with pytest.raises(ValueError, match=message):
        model.fit(**source(IMAGES, labels), verbose=0)
    model.fit(**source(IMAGES, case.labels), verbose=0)
    model = case.compiled(model, jit_compile=True)
    if source is arrays:
        with pytest.raises(ValueError, match=message):
            model.fit(**source(IMAGES, labels), verbose=0)
    with pytest.raises(ValueError, match="Grey pictures"):
        model.fit(**source(IMAGES[..., :1], case.labels), verbose=0)


def test_other_errors_of_a_step_stay_what_they_are(models):
    def failing():
        yield IMAGES[:2], CASES["classification"].labels[:2]
        raise RuntimeError("the disk is gone")

    with pytest.raises(Exception, match="the disk is gone"):
        models["classification"].fit(failing(), steps_per_epoch=2, verbose=0)


@pytest.mark.parametrize("source", [dataset, generator])
def test_a_batch_that_is_refused_moves_no_weight(models, source):
    labels = keras.tree.map_structure(np.copy, CASES["detection"].labels)
    labels["boxes"][0, 0] = np.nan
    model = models["detection"]
    before = model.get_weights()
    with pytest.raises(ValueError, match="must be finite"):
        model.fit(**source(IMAGES, labels), verbose=0)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
