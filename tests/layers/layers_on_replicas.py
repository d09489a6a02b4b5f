"""Runs layers on four replicas and prints what came out as JSON.

A program of its own, since logical devices must be set before TensorFlow starts.
"""

import json

import keras
import numpy as np
import tensorflow as tf

from keras_effspine.layers.batch_normalization import BatchNormalization
from keras_effspine.layers.replicas import has_replicas, sum_over_replicas
from keras_effspine.layers.stochastic_depth import StochasticDepth

REPLICAS = 4

(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * REPLICAS)
strategy = tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(REPLICAS)])


def on_replicas(function, *arrays):
    """Results of `function` on each replica, of its share of the arrays' rows."""

    def share(array):
        parts = np.split(array, REPLICAS)
        return strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(parts[context.replica_id_in_sync_group])
        )

    results = tf.function(strategy.run)(function, [share(array) for array in arrays])
    return [strategy.experimental_local_results(result) for result in results]


def statistics(layer):
    return {
        "moving_mean": layer.moving_mean.numpy().tolist(),
        "moving_variance": layer.moving_variance.numpy().tolist(),
    }


def batch_normalization():
    random = np.random.default_rng(0)
    # Every replica's rows have another mean, so that statistics of its own would differ.
    x = random.normal(size=(8, 3, 5, 4)) + np.arange(8).reshape(8, 1, 1, 1)
    x, upstream = x.astype("float32"), random.normal(size=x.shape).astype("float32")
    with strategy.scope():
        layer = BatchNormalization(momentum=0.9)
        layer.build(x.shape)

    def step(rows, weights):
        with tf.GradientTape() as tape:
            tape.watch(rows)
            outputs = layer(rows, training=True)
            loss = tf.reduce_sum(outputs * weights)
        return outputs, tape.gradient(loss, rows)

    outputs, gradients = on_replicas(step, x, upstream)
    whole = keras.layers.BatchNormalization(momentum=0.9)
    with tf.GradientTape() as tape:
        rows = tf.constant(x)
        tape.watch(rows)
        expected = whole(rows, training=True)
        loss = tf.reduce_sum(expected * upstream)
    expected_gradient = tape.gradient(loss, rows)
    return {
        "output_error": float(np.abs(np.concatenate(outputs) - expected).max()),
        "gradient_error": float(np.abs(np.concatenate(gradients) - expected_gradient).max()),
        "replicas": statistics(layer),
        "whole_batch": statistics(whole),
    }


def dropped_rows(seed_generator):
    """Which of 32 rows each replica drops in two steps."""
    with strategy.scope():
        layer = StochasticDepth(0.5, seed=1)
        if seed_generator is not None:
            layer.seed_generator = seed_generator(1)
    x = np.ones((32 * REPLICAS, 1, 1, 1), "float32")
    steps = []
    for _ in range(2):
        (outputs,) = on_replicas(lambda rows: (layer(rows, training=True),), x)
        steps.append([(output.numpy() == 0).ravel().tolist() for output in outputs])
    return steps


def sums():
    seen = []

    def share_and_sum(rows):
        seen.append(has_replicas())
        return (sum_over_replicas(tf.reduce_sum(rows)),)

    (totals,) = on_replicas(share_and_sum, np.array([1.0, 2.0, 4.0, 8.0], "float32"))
    return {"totals": [float(t) for t in totals], "has_replicas": seen, "outside": has_replicas()}


if __name__ == "__main__":
    print(
        json.dumps(
            {
                "batch_normalization": batch_normalization(),
                "dropped": dropped_rows(None),
                "dropped_with_keras_seeds": dropped_rows(keras.random.SeedGenerator),
                "sums": sums(),
            }
        )
    )
