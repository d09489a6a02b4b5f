"""Loads a preset in the scope of a strategy, trains one step that moves nothing, compares weights.

A program of its own, since logical devices must be set before TensorFlow starts. Arguments: a
strategy's name, and a folder to write the preset to. Prints JSON: the number of replicas, and the
greatest difference of any replica's weights from those that were saved.
"""

import json
import sys
import warnings

import keras
import keras_cv
import numpy as np
import tensorflow as tf

from keras_effspine import RetinaNet
from keras_effspine.optimizers import SGD
from keras_effspine.training.strategy import build_strategy

(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 4)

CLASS_PREDICTION = "classification_head_prediction"


@keras.saving.register_keras_serializable(package="keras_effspine_tests")
class Levels(keras_cv.models.Backbone):
    """A convolution a level."""

    def __init__(self, **kwargs):
        x = inputs = keras.Input((64, 64, 3))
        x = keras.layers.Conv2D(8, 3, strides=4, padding="same", name="stem")(x)
        names = {f"P{level}": f"level{level}" for level in range(3, 8)}
        for name in names.values():
            x = keras.layers.Conv2D(8, 3, 2, "same", activation="relu", name=name)(x)
        super().__init__(inputs=inputs, outputs=x, **kwargs)
        self.pyramid_level_inputs = names


def difference(weights, expected):
    """Greatest difference of any replica's values from the expected ones, which go by path."""
    worst = 0.0
    for weight in weights:
        for value in getattr(weight.value, "values", (weight.value,)):
            worst = max(worst, float(np.abs(np.asarray(value) - expected[weight.path]).max()))
    return worst


if __name__ == "__main__":
    strategy_name, folder = sys.argv[1:]
    strategy = build_strategy(strategy_name)
    # Without layers in the subnets: synchronised normalisation is slow to trace.
    original = RetinaNet(Levels(), 3, "xyxy", head_layers=0)
    for weight in original.weights:
        weight.assign(weight + 0.125)
    expected = {weight.path: np.asarray(weight) for weight in original.weights}
    original.save_to_preset(folder)
    with strategy.scope(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = RetinaNet.from_preset(folder)
        other_classes = RetinaNet.from_preset(folder, num_classes=5)
        model.compile(optimizer=SGD(0.0), classification_loss="focal", box_loss="smoothl1")
    kept = [w for w in other_classes.weights if not w.path.startswith(CLASS_PREDICTION)]
    result = {
        "replicas": len(getattr(model.weights[0].value, "values", (0,))),
        "weights": [len(model.weights), len(kept)],
        "loaded": difference(model.weights, expected),
        "with_other_classes": difference(kept, expected),
    }
    images = np.random.default_rng(0).uniform(0, 255, (4, 64, 64, 3)).astype("float32")
    boxes = np.tile(np.array([10, 10, 40, 50], "float32"), (4, 1, 1))
    labels = {"boxes": boxes, "classes": np.ones((4, 1), "float32")}
    model.fit(tf.data.Dataset.from_tensors((images, labels)), verbose=0)
    result["steps"] = int(np.asarray(model.optimizer.iterations))
    result["after_a_step"] = difference(model.weights, expected)
    print(json.dumps(result))
