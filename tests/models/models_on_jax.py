"""Runs models that TensorFlow saved with Keras on JAX, trains them there, and prints JSON.

A program of its own, since Keras' backend is chosen before Keras is imported. The argument is a
folder with a compiled `NAME.keras` and the outputs `NAME.npz` for each of the cases.
"""

import json
import os
import pathlib
import sys

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"

import keras
import numpy as np
from model_cases import CASES, IMAGES

from keras_effspine import load_model


def difference(found, expected):
    pairs = zip(keras.tree.flatten(found), keras.tree.flatten(expected), strict=True)
    return max(float(np.abs(np.asarray(one) - np.asarray(other)).max()) for one, other in pairs)


folder, results = pathlib.Path(sys.argv[1]), {"backend": keras.backend.backend()}
for name, case in CASES.items():
    model = load_model(folder / f"{name}.keras")
    outputs = keras.tree.flatten(model(IMAGES))
    with np.load(folder / f"{name}.npz") as file:
        forward = difference(outputs, list(file.values()))
    history = model.fit(IMAGES, case.labels, epochs=4, verbose=0).history
    evaluated = model.evaluate(IMAGES, case.labels, verbose=0, return_dict=True)
    predictions = model.predict(IMAGES, verbose=0)
    model.save(folder / "again.keras")
    loaded = load_model(folder / "again.keras")
    results[name] = {
        "forward": forward,
        "loss": history["loss"],
        "evaluated": evaluated,
        "shapes": [list(np.shape(x)) for x in keras.tree.flatten(predictions)],
        "after_loading": difference(loaded.predict(IMAGES, verbose=0), predictions),
        "steps_after_loading": int(loaded.optimizer.iterations),
    }
print(json.dumps(results))
