"""Trains, predicts, saves and loads a small segmentation model with Keras on JAX; prints JSON.

A program of its own, since Keras' backend is chosen before Keras is imported. The argument is a
folder to write to.
"""

import json
import os
import pathlib
import sys

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"

import keras
import keras_cv
import numpy as np

from keras_effspine import SemanticSegmenter, load_model


@keras.saving.register_keras_serializable(package="keras_effspine_tests")
class SmallBackbone(keras_cv.models.Backbone):
    """One convolution at output stride 8; JAX takes a minute for all of Eff-SpineNet."""

    def __init__(self, **kwargs):
        images = keras.Input((60, 44, 3))
        x = keras.layers.Rescaling(1 / 128, -1.0)(images)
        x = keras.layers.Conv2D(8, 8, strides=8, padding="same", activation="relu")(x)
        super().__init__(inputs=images, outputs=x, **kwargs)

    def get_config(self):
        return {"name": self.name}


keras.utils.set_random_seed(0)
model = SemanticSegmenter(SmallBackbone(), 3, head_layers=1)
model.compile(optimizer=keras.optimizers.SGD(0.1, momentum=0.9))
random = np.random.default_rng(0)
images = random.uniform(0, 255, (2, 60, 44, 3)).astype("float32")
labels = random.integers(0, 3, (2, 60, 44)).astype("uint8")
labels[0, :30] = 255
history = model.fit(images, labels, epochs=6, verbose=0).history
predictions = model.predict(images, verbose=0)
file = pathlib.Path(sys.argv[1]) / "model.keras"
model.save(file)
loaded = load_model(file)
print(
    json.dumps(
        {
            "backend": keras.backend.backend(),
            "loss": history["loss"],
            "shape": list(predictions.shape),
            "difference": float(np.abs(loaded.predict(images, verbose=0) - predictions).max()),
            "steps_after_loading": int(loaded.optimizer.iterations),
        }
    )
)
