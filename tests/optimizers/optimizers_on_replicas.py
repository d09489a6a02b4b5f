"""Takes one step with each optimizer on one replica and on four, and prints the weights as JSON.

A program of its own, since logical devices must be set before TensorFlow starts.
"""

import json

import keras
import numpy as np
import tensorflow as tf

from keras_effspine.optimizers import SGD, AdamW, LossScaleOptimizer, MovingAverages, RMSprop

(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 4)
# One a number of replicas: collective operations of two would be taken for each other.
STRATEGIES = {n: tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(n)]) for n in (1, 4)}

INPUTS = np.random.default_rng(0).normal(size=(8, 5)).astype("float32")
OPTIMIZERS = {
    "sgd": lambda: SGD(1.0, l2=0.1, weight_decay=0.05, global_clipnorm=0.05),
    "adamw": lambda: AdamW(0.1, epsilon=0.1, weight_decay=0.05, global_clipnorm=0.05),
    "rmsprop": lambda: RMSprop(
        0.1, epsilon=0.1, momentum=0.5, l2=0.1, weight_decay=0.05, global_clipnorm=0.05
    ),
    "keras": lambda: keras.optimizers.SGD(1.0, weight_decay=0.05, global_clipnorm=0.05),
}


def step(make_optimizer, replicas):
    """The weights after a step on the same batch."""
    strategy = STRATEGIES[replicas]
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


def several_steps(make_optimizer, replicas, accumulated, times=6):
    """Weights and averages after some batches, or the mean of as many as are accumulated."""
    strategy = STRATEGIES[replicas]
    with strategy.scope():
        layers = [keras.layers.BatchNormalization(synchronized=True), keras.layers.Dense(1, "tanh")]
        model = keras.Sequential([keras.Input((5,)), *layers])
        model.layers[1].set_weights([np.linspace(-1, 1, 5)[:, None], np.array([0.5])])
        optimizer = make_optimizer(accumulated)
        optimizer.build(model.trainable_variables)
        averages = MovingAverages(model, 0.4)
        optimizer.averages = averages

    def train(inputs):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(model(inputs, training=True) ** 2) / len(INPUTS)
        optimizer.apply(tape.gradient(loss, model.trainable_variables))

    batches = tf.data.Dataset.from_tensors(INPUTS).repeat(times).unbatch().batch(len(INPUTS))
    run = tf.function(lambda part: strategy.run(train, args=(part,)))
    for part in strategy.experimental_distribute_dataset(batches):
        run(part)
    weights = model.get_weights()
    with averages.in_place():
        averaged = model.get_weights()
    return [np.concatenate([w.ravel() for w in ws]).tolist() for ws in (weights, averaged)]


ACCUMULATING = {
    "sgd": lambda n: SGD(
        0.5, 0.9, l2=0.1, weight_decay=0.05, global_clipnorm=0.05, gradient_accumulation_steps=n
    ),
    "adamw": lambda n: AdamW(
        0.1, epsilon=0.1, weight_decay=0.05, global_clipnorm=0.05, gradient_accumulation_steps=n
    ),
    "scaled": lambda n: LossScaleOptimizer(SGD(0.5, gradient_accumulation_steps=n)),
}


def scaled_steps(optimizer_class, replicas):
    """Weights, scales and counts after four steps; in the second a gradient of the last overflows.

    The scale is halved there, and doubled after two steps without.
    """
    strategy = STRATEGIES[replicas]
    with strategy.scope():
        model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1, "tanh")])
        model.set_weights([np.linspace(-1, 1, 5)[:, None], np.array([0.5])])
        inner = SGD(0.5, weight_decay=0.05, global_clipnorm=0.05)
        optimizer = optimizer_class(inner, initial_scale=8.0, dynamic_growth_steps=2)
        optimizer.build(model.trainable_variables)

    def train(inputs):
        with tf.GradientTape() as tape:
            loss = optimizer.scale_loss(tf.reduce_sum(model(inputs) ** 2) / len(INPUTS))
        optimizer.apply(tape.gradient(loss, model.trainable_variables))

    batches = np.stack([INPUTS] * 4)
    batches[1, -1] = np.inf
    batches = tf.data.Dataset.from_tensor_slices(batches)
    run = tf.function(lambda part: strategy.run(train, args=(part,)))
    scales = []
    for part in strategy.experimental_distribute_dataset(batches):
        run(part)
        everywhere = strategy.experimental_local_results(optimizer.dynamic_scale.value)
        scales.append([float(scale) for scale in everywhere])
    return {
        "weights": np.concatenate([w.ravel() for w in model.get_weights()]).tolist(),
        "scales": scales,
        "updates": int(optimizer.iterations.numpy()),
    }


if __name__ == "__main__":
    results = {name: [step(make, n) for n in (1, 4)] for name, make in OPTIMIZERS.items()}
    for name in ACCUMULATING:
        for accumulated in (None, 4):
            results[f"{name} {accumulated}"] = [
                several_steps(ACCUMULATING[name], n, accumulated) for n in (1, 4)
            ]
    for name, made in (
        ("overflow", LossScaleOptimizer),
        ("keras overflow", keras.optimizers.LossScaleOptimizer),
    ):
        results[name] = [scaled_steps(made, n) for n in (1, 4)]
    print(json.dumps(results))
