"""Decoding on the host gives what decoding in the step gives."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_effspine.models.retinanet import RetinaNet


@pytest.fixture
def on_host(monkeypatch):
    """Detectors leave decoding to the host, as under TPUStrategy."""
    monkeypatch.setattr(RetinaNet, "decodes_on_host", True)


@pytest.mark.parametrize("box_format", ["xywh", "rel_yxyx"])
def test_the_detections_are_the_same(tiny_detector, batch, request, box_format):
    model = tiny_detector(bounding_box_format=box_format)
    images = np.concatenate([batch[0], batch[0][:1, ::-1]])[:, :, :48]  # a last batch of one
    expected = model.predict(images, batch_size=2, verbose=0)
    request.getfixturevalue("on_host")
    model.make_predict_function(force=True)
    found = model.predict(images, batch_size=2, verbose=0)
    assert set(found) == set(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, atol=1e-4, err_msg=name)


def test_the_step_itself_ends_with_the_outputs(tiny_detector, batch, on_host):
    model = tiny_detector()
    outputs = model.predict_step((batch[0],))
    assert set(outputs) == {"box", "classification", "image_size"}
    np.testing.assert_array_equal(outputs["image_size"], [[64, 64], [64, 64]])


def test_pictures_of_two_sizes_are_each_decoded_at_their_own(tiny_detector, batch, on_host):
    model = tiny_detector()
    for images in (batch[0], batch[0][:, :32], batch[0]):
        found = model.predict_on_batch(images)
        for name, values in model.decode_predictions(model(images), images).items():
            np.testing.assert_allclose(found[name], values, atol=1e-4, err_msg=name)


def test_only_tpus_and_other_backends_decode_on_the_host(tiny_detector, monkeypatch):
    model = tiny_detector()
    assert not model.decodes_on_host
    monkeypatch.setattr(
        type(model), "distribute_strategy", object.__new__(tf.distribute.TPUStrategy)
    )
    assert model.decodes_on_host
    monkeypatch.undo()
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    assert model.decodes_on_host
