"""Trains, predicts, saves and loads a small classifier with Keras on JAX; prints it as JSON.

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
import numpy as np

from keras_effspine import ImageClassifier, load_model
from keras_effspine.optimizers import RMSprop

keras.utils.set_random_seed(0)
inputs = keras.Input((32, 32, 3))
x = keras.layers.Conv2D(8, 3, strides=4, activation="relu")(inputs)
model = ImageClassifier(keras.Model(inputs, x), 3, dropout_rate=0.1)
model.compile(RMSprop(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
images = np.random.default_rng(0).uniform(0, 1, (6, 32, 32, 3)).astype("float32")
labels = np.arange(6) % 3
history = model.fit(images, labels, epochs=8, verbose=0).history
predictions = model.predict(images, verbose=0)
file = pathlib.Path(sys.argv[1]) / "model.keras"
model.save(file)
loaded = load_model(file)
print(
    json.dumps(
        {
            "backend": keras.backend.backend(),
            "loss": history["loss"],
            "sums": predictions.sum(1).tolist(),
            "difference_after_loading": float(
                np.abs(loaded.predict(images, verbose=0) - predictions).max()
            ),
            "steps_after_loading": int(loaded.optimizer.iterations),
        }
    )
)
