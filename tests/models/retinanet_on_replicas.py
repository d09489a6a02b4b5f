"""Trains RetinaNet for one step on one replica or four, and prints the update as JSON.

A program of its own, since logical devices must be set before TensorFlow starts. The argument is
the number of replicas in this process, or `TF_CONFIG` names several processes; the global batch and
the initial weights are the same.
"""

import json
import os
import sys

import keras
import numpy as np
import tensorflow as tf

from keras_effspine import RetinaNet
from keras_effspine.optimizers import SGD
from keras_effspine.training.multi_worker import distribute, worker_of
from keras_effspine.training.strategy import build_strategy

REPLICAS = int(sys.argv[1])
BOX_COUNTS = (3, 3, 1, 0)

(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * REPLICAS)


def build():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((64, 64, 3))
    x = keras.layers.Rescaling(1 / 128, -1.0)(inputs)
    x = keras.layers.Conv2D(8, 3, strides=4, padding="same", activation="relu")(x)
    names = {f"P{level}": f"level{level}" for level in range(3, 8)}
    for name in names.values():
        x = keras.layers.Conv2D(8, 3, 2, "same", activation="relu", name=name)(x)
    backbone = keras.Model(inputs, x)
    backbone.pyramid_level_inputs = names
    # Without layers in the subnets: synchronised normalisation is slow here, and tested by itself.
    return RetinaNet(backbone, 3, "xyxy", head_layers=0)


def global_batch():
    random = np.random.default_rng(0)
    images = random.uniform(0, 255, (4, 64, 64, 3)).astype("float32")
    boxes, classes = np.full((4, 3, 4), -1.0, "float32"), np.full((4, 3), -1.0, "float32")
    for row, count in enumerate(BOX_COUNTS):
        low = random.uniform(0, 30, (count, 2))
        boxes[row, :count] = np.concatenate([low, low + random.uniform(8, 30, (count, 2))], 1)
        classes[row, :count] = random.integers(0, 3, count)
    return images, {"boxes": boxes, "classes": classes}


if __name__ == "__main__":
    strategy = build_strategy("multiworker" if "TF_CONFIG" in os.environ else "mirrored")
    worker, workers = worker_of(strategy)
    with strategy.scope():
        model = build()
        model.compile(
            optimizer=SGD(1.0, l2=0.01, weight_decay=0.02, global_clipnorm=0.1),
            classification_loss="focal",
            box_loss="smoothl1",
        )
    before = [v.numpy() for v in model.trainable_variables]
    part = tf.nest.map_structure(lambda rows: np.split(rows, workers)[worker], global_batch())
    batches = distribute(tf.data.Dataset.from_tensors(part), strategy)
    history = model.fit(batches, steps_per_epoch=1, verbose=0).history
    update = [v.numpy() - old for v, old in zip(model.trainable_variables, before, strict=True)]
    values = np.concatenate([u.ravel() for u in update]).tolist()
    print(json.dumps({"update": values, "history": history}))
