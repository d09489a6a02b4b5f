"""What all task models share; above all that the first step of plain `fit` is traced once."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras_cv.src.models.task import Task

from keras_effspine.models.task_model import TaskModel

IMAGES = np.random.default_rng(0).uniform(0, 255, (4, 64, 64, 3)).astype("float32")


class TwoOutputs(TaskModel, Task):
    """A model with a loss of each output."""


def two_outputs(base):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((64, 64, 3))
    x = keras.layers.GlobalAveragePooling2D()(inputs)
    outputs = [keras.layers.Dense(2, name=name)(x) for name in ("a", "b")]
    model = base(keras.Model(inputs, x) if base is TwoOutputs else inputs, outputs)
    model.compile("adam", ["mse", "mae"], metrics=[["mae"], None], jit_compile=False)
    return model


def traces_of(model, monkeypatch):
    """List that gets an entry for each trace of the model's training step."""
    traces, step = [], type(model).train_step

    def traced(self, *args):
        traces.append(1)
        return step(self, *args)

    monkeypatch.setattr(type(model), "train_step", traced, raising=False)
    return traces


def history(model, images, labels):
    return model.fit(images, labels, batch_size=2, epochs=2, shuffle=False, verbose=0).history


@pytest.mark.parametrize("sizes_are_known", [True, False])
def test_losses_and_metrics_are_those_of_keras_with_a_trace_less(monkeypatch, sizes_are_known):
    labels = [np.full((4, 2), value, "float32") for value in (3, -2)]
    rows = 4 if sizes_are_known else 3  # in batches of two
    found = []
    for base, count in ((TwoOutputs, 1), (keras.Model, 2)):
        model = two_outputs(base)
        with monkeypatch.context() as patch:
            traces = traces_of(model, patch)
            found.append(history(model, IMAGES[:rows], [value[:rows] for value in labels]))
        assert len(traces) == count
    assert found[0].keys() == found[1].keys()
    for name, values in found[0].items():
        np.testing.assert_allclose(values, found[1][name], rtol=1e-6, err_msg=name)


def test_it_is_traced_once_after_another_compile_and_in_train_on_batch(monkeypatch):
    model = two_outputs(TwoOutputs)
    traces = traces_of(model, monkeypatch)
    labels = [np.ones((4, 2), "float32")] * 2
    for _ in range(2):
        del traces[:]
        model.compile("sgd", ["mse", "mae"], metrics=[None, ["mse"]], jit_compile=False)
        first = model.train_on_batch(IMAGES, labels, return_dict=True)
        assert len(traces) == 1
        # Nothing but the batch was counted.
        assert first["loss"] == pytest.approx(first["a_loss"] + first["b_loss"])
        outputs = two_outputs(keras.Model)
        outputs.set_weights(model.get_weights())
        before = model.evaluate(IMAGES, labels, verbose=0, return_dict=True)
        after = outputs.evaluate(IMAGES, labels, verbose=0, return_dict=True)
        assert before["a_loss"] == pytest.approx(after["a_loss"])


def test_under_a_strategy_no_batch_is_taken_out_of_the_data(monkeypatch):
    taken = []

    def batches():
        for value in (1.0, 2.0):
            taken.append(value)
            yield IMAGES[:2], (np.full((2, 2), value, "float32"),) * 2

    labels = (tf.TensorSpec((2, 2)),) * 2
    data = tf.data.Dataset.from_generator(
        batches, output_signature=(tf.TensorSpec((2, 64, 64, 3)), labels)
    )
    data = data.apply(tf.data.experimental.assert_cardinality(2))
    with tf.distribute.OneDeviceStrategy("CPU:0").scope():
        model = two_outputs(TwoOutputs)
    traces = traces_of(model, monkeypatch)
    assert np.isfinite(model.fit(data, shuffle=False, verbose=0).history["a_loss"]).all()
    assert taken == [1.0, 2.0]
    assert len(traces) == 1
