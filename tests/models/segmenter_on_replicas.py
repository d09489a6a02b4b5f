"""Trains a segmentation model for one step on one replica or four, and prints the update as JSON.

A program of its own, since logical devices must be set before TensorFlow starts. The argument is
the number of replicas; the global batch and the initial weights are the same.
"""

import json
import sys

import keras
import numpy as np
import tensorflow as tf

from keras_effspine import SemanticSegmenter
from keras_effspine.optimizers import SGD

REPLICAS = int(sys.argv[1])
LABELLED_ROWS = (32, 20, 3, 0)

(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * REPLICAS)


def build():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((32, 32, 3))
    x = keras.layers.Rescaling(1 / 128, -1.0)(inputs)
    x = keras.layers.Conv2D(8, 8, strides=8, padding="same", activation="relu")(x)
    return SemanticSegmenter(keras.Model(inputs, x), 3, head_layers=1)


def global_batch():
    random = np.random.default_rng(0)
    images = random.uniform(0, 255, (4, 32, 32, 3)).astype("float32")
    labels = random.integers(0, 3, (4, 32, 32)).astype("uint8")
    for row, count in enumerate(LABELLED_ROWS):
        labels[row, count:] = 255
    return images, labels


if __name__ == "__main__":
    strategy = tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(REPLICAS)])
    with strategy.scope():
        model = build()
        model.compile(optimizer=SGD(1.0, l2=0.01, weight_decay=0.02, global_clipnorm=0.1))
    before = [v.numpy() for v in model.trainable_variables]
    history = model.fit(tf.data.Dataset.from_tensors(global_batch()), verbose=0).history
    update = [v.numpy() - old for v, old in zip(model.trainable_variables, before, strict=True)]
    values = np.concatenate([u.ravel() for u in update]).tolist()
    print(json.dumps({"update": values, "history": history}))
