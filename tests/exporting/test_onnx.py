"""What tf2onnx gets wrong, and the package mends."""

import types

import keras
import numpy as np
import pytest

from keras_effspine.exporting.frozen_graph import frozen_function
from keras_effspine.exporting.onnx import write_onnx

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("tf2onnx")


def test_maps_of_one_pixel_are_added_to_a_convolution_with_a_bias(tmp_path):
    keras.utils.set_random_seed(0)
    images = keras.Input((8, 8, 3))
    halves = [keras.layers.Conv2D(5, 8, bias_initializer="random_normal")(images) for _ in range(2)]
    model = keras.Model(images, {"sum": keras.layers.Add()(halves)})
    metadata = types.SimpleNamespace(precision="float32", as_text=lambda: "{}", class_names=())
    function = frozen_function(lambda x: model(x, training=False), 8)
    write_onnx(function, metadata, tmp_path / "sum.onnx", None)
    x = np.random.default_rng(0).uniform(0, 1, (1, 8, 8, 3)).astype("float32")
    (found,) = onnxruntime.InferenceSession(tmp_path / "sum.onnx").run(None, {"images": x})
    np.testing.assert_allclose(found, model.predict(x, verbose=0)["sum"], atol=1e-5)
