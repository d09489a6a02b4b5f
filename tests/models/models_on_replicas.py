"""Trains task models for one step on one replica or more, and prints the updates as JSON.

A program of its own, since logical devices must be set before TensorFlow starts. Arguments: the
number of replicas in this process, a folder with a preset `NAME` of each case, and the names of the
cases. `TF_CONFIG` may name several processes. The global batch and the initial weights are the
same. Of each case: the updates, what `fit` says, and the greatest difference of any replica's
weights from the preset's that they were loaded from, also by a model of other classes.
"""

import json
import os
import pathlib
import sys

import keras
import numpy as np
import tensorflow as tf
from model_cases import CASES, IMAGES

from keras_effspine.optimizers import SGD
from keras_effspine.training.multi_worker import distribute, worker_of
from keras_effspine.training.strategy import build_strategy

REPLICAS, FOLDER, NAMES = int(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:]

(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * REPLICAS)


def part_of_worker(values, worker, workers):
    return tf.nest.map_structure(lambda rows: np.split(rows, workers)[worker], values)


def difference(weights, expected):
    """Greatest difference of any replica's values from the expected ones, which go by path."""
    replicas = [v for w in weights for v in getattr(w.value, "values", (w.value,))]
    count = len(replicas) // len(weights)
    paths = [w.path for w in weights for _ in range(count)]
    pairs = zip(paths, replicas, strict=True)
    return count, max(float(np.abs(v.numpy() - expected[path]).max()) for path, v in pairs)


# Places are drawn for training by the greatest noise: without any, replicas draw the same.
keras.random.uniform = lambda shape, **kwargs: keras.ops.zeros(shape)

strategy = build_strategy("multiworker" if "TF_CONFIG" in os.environ else "mirrored")
worker, workers = worker_of(strategy)
results = {}
for name in NAMES:
    case = CASES[name]
    expected = {w.path: w.numpy() for w in case.cls.from_preset(FOLDER / name).weights}
    with strategy.scope():
        model = case.cls.from_preset(FOLDER / name)
        other = case.cls.from_preset(FOLDER / name, num_classes=5)
        optimizer = SGD(1.0, l2=0.01, weight_decay=0.02, global_clipnorm=0.1)
        # A classifier's weights are in its loss, which each replica has for its own pictures.
        weights = {} if name == "classification" else {"class_weights": (0.5, 3.0, 1.25)}
        case.compiled(model, optimizer=optimizer, **weights)
    replicas, loaded = difference(model.weights, expected)
    kept = [
        w for w in other.weights if w.path.split("/")[0] not in case.cls.class_prediction_layers
    ]
    batch = part_of_worker((IMAGES, case.labels), worker, workers)
    batches = distribute(tf.data.Dataset.from_tensors(batch), strategy)
    history = model.fit(batches, steps_per_epoch=1, verbose=0).history
    update = [w.numpy() - expected[w.path] for w in model.trainable_variables]
    results[name] = {
        "replicas": replicas,
        "loaded": loaded,
        "with_other_classes": difference(kept, expected)[1],
        "update": np.concatenate([u.ravel() for u in update]).tolist(),
        "history": history,
    }
print(json.dumps(results))
