"""Trains a small ImageClassifier for one step on one replica or four; prints the update as JSON.

A program of its own, since logical devices must be set before TensorFlow starts. The argument is
the number of replicas; the global batch and the initial weights are the same.
"""

import json
import sys

import keras
import numpy as np
import tensorflow as tf

from keras_effspine import ImageClassifier
from keras_effspine.optimizers import RMSprop

REPLICAS = int(sys.argv[1])

(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * REPLICAS)
strategy = tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(REPLICAS)])
with strategy.scope():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((64, 64, 3))
    x = keras.layers.Rescaling(1 / 128, -1.0)(inputs)
    for _ in range(2):
        x = keras.layers.Conv2D(8, 3, strides=4, padding="same", activation="tanh")(x)
    model = ImageClassifier(keras.Model(inputs, x), 3)
    model.compile(
        RMSprop(0.1, epsilon=1e-3, momentum=0.9, l2=0.01, global_clipnorm=0.1),
        keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
        metrics=["accuracy"],
    )
before = model.get_weights()
images = np.random.default_rng(0).uniform(0, 255, (4, 64, 64, 3)).astype("float32")
batch = images, np.eye(3, dtype="float32")[[0, 1, 2, 1]]
history = model.fit(tf.data.Dataset.from_tensors(batch), verbose=0).history
update = np.concatenate([(a - b).ravel() for a, b in zip(model.get_weights(), before, strict=True)])
print(json.dumps({"update": update.tolist(), "history": history}))
