"""Takes one step with each optimizer on one replica and on four, and prints the weights as JSON.

A program of its own, since logical devices must be set before TensorFlow starts.
"""

import json

import keras
import numpy as np
import tensorflow as tf

from keras_effspine.optimizers import SGD, AdamW

(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 4)

INPUTS = np.random.default_rng(0).normal(size=(8, 5)).astype("float32")
OPTIMIZERS = {
    "sgd": lambda: SGD(1.0, l2=0.1, weight_decay=0.05, global_clipnorm=0.05),
    "adamw": lambda: AdamW(0.1, epsilon=0.1, weight_decay=0.05, global_clipnorm=0.05),
    "keras": lambda: keras.optimizers.SGD(1.0, weight_decay=0.05, global_clipnorm=0.05),
}


def step(make_optimizer, replicas):
    """The weights after a step on the same batch."""
    strategy = tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(replicas)])
    with strategy.scope():
        model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1, "tanh")])
        model.set_weights([np.linspace(-1, 1, 5)[:, None], np.array([0.5])])
        optimizer = make_optimizer()
        optimizer.build(model.trainable_variables)

    def train(inputs):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(model(inputs) ** 2) / len(INPUTS)
        optimizer.apply(tape.gradient(loss, model.trainable_variables))

    batch = tf.data.Dataset.from_tensors(INPUTS).unbatch().batch(len(INPUTS))
    (part,) = iter(strategy.experimental_distribute_dataset(batch))
    tf.function(strategy.run)(train, args=(part,))
    return np.concatenate([w.ravel() for w in model.get_weights()]).tolist()


if __name__ == "__main__":
    results = {name: [step(make, n) for n in (1, 4)] for name, make in OPTIMIZERS.items()}
    print(json.dumps(results))
