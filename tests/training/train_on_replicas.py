"""Trains a small task on one device and on four replicas, and prints what came of it as JSON.

A program of its own, since logical devices must be set before TensorFlow starts. The arguments are
an annotation file, its folder of pictures and a folder for the runs.
"""

import json
import pathlib
import sys

import keras
import numpy as np
import tensorflow as tf
from counting_task import Counting

import keras_effspine
from keras_effspine.data.loading import load_records
from keras_effspine.tasks import registry
from keras_effspine.tasks.inference import predict_records
from keras_effspine.training.optimization import Optimization
from keras_effspine.training.recipe import Data, Recipe
from keras_effspine.training.recipe_changes import override
from keras_effspine.training.steps_taken import steps_taken
from keras_effspine.training.strategy import build_strategy
from keras_effspine.training.train import train

FILE, IMAGES, OUT = sys.argv[1:]
(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 4)
registry.TASKS["counting"] = ("counting_task", "Counting")
parts = []


class Noted(keras.layers.Layer):
    """Notes how many pictures each replica is given to predict."""

    def call(self, images, training=None):
        if not training:
            tf.py_function(lambda x: parts.append(len(x)), [images], [])
        return images


RECIPE = Recipe(
    task="counting",
    options={"dropout": 0.0},  # replicas draw masks of their own
    data=Data(data=FILE, images=IMAGES, val_data=FILE),
    image_size=64,
    batch_size=4,
    steps=6,
    evaluations=2,
    optimization=Optimization(
        optimizer="sgd",
        learning_rate=0.01,
        weight_decay=0.1,
        clip_norm=0.5,
        decay="l2",
        accumulate=2,
        ema=0.5,
    ),
)


def prediction(strategy):
    """Outputs for all pictures, three at a time, and how many pictures each replica was given."""
    parts.clear()
    keras.utils.set_random_seed(0)
    with strategy.scope():
        images = keras.Input([64, 64, 3])
        x = keras.layers.GlobalAveragePooling2D()(Noted()(images))
        model = keras.Model(images, keras.layers.Dense(1)(x))
    pairs = predict_records(Counting(), model, load_records(FILE, IMAGES), 64, batch_size=3)
    return {"outputs": [output for _, output in pairs], "parts": list(parts)}


def result(folder, strategy):
    model = keras_effspine.load_model(folder.path, last=True)
    return {
        "weights": np.concatenate([w.ravel() for w in model.get_weights()]).tolist(),
        "predictions": [one["count"] for one in folder.read_json("predictions.json")],
        "steps": steps_taken(model),
        "replicas": build_strategy(strategy).num_replicas_in_sync,
    }


if __name__ == "__main__":
    out = pathlib.Path(OUT)
    results = {"prediction": [prediction(build_strategy(name)) for name in ("cpu", "mirrored")]}
    for strategy in ("cpu", "mirrored"):
        recipe = override(RECIPE, {"strategy": strategy})
        folder, _ = train(recipe, out / strategy, report=lambda line: None, verbose=0)
        results[strategy] = result(folder, strategy)
    print(json.dumps(results))
