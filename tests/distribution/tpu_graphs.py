"""Traces the steps of every task under TPUStrategy and prints what their graphs are made of.

A program of its own, since logical devices must be set before TensorFlow starts. Another task is
another entry of `LABELS`.
"""

import json
import sys
import tempfile

import keras
import keras_cv
import tensorflow as tf
from forged_tpu import CannotForge, forged_tpu_strategy, traced
from ladder import Ladder

from keras_effspine.layers.non_max_suppression import non_max_suppression
from keras_effspine.models.retinanet import RetinaNet
from keras_effspine.optimizers import MovingAverages
from keras_effspine.pretrained.find_pretrained import find_pretrained
from keras_effspine.tasks.registry import find_task
from keras_effspine.training.optimization import Optimization
from keras_effspine.training.optimizer import build_optimizer
from keras_effspine.training.precision import precision
from keras_effspine.training.recipe import Recipe

IMAGES, SIZE, CLASSES = 2, 64, 3

# From a task's name to the labels of a replica's batch.
LABELS = {
    "detection": lambda: {
        "boxes": tf.zeros([IMAGES, 10, 4]),
        "classes": -tf.ones([IMAGES, 10]),
    },
    "semantic_segmentation": lambda: tf.zeros([IMAGES, SIZE, SIZE], "uint8"),
    "classification": lambda: tf.one_hot([0, 2], CLASSES),
    "instance_segmentation": lambda: {
        "boxes": tf.zeros([IMAGES, 10, 4]),
        "classes": -tf.ones([IMAGES, 10]),
        "masks": tf.zeros([IMAGES, 10, 112, 112], "uint8"),
    },
}


def images():
    return tf.zeros([IMAGES, SIZE, SIZE, 3])


def steps_of(strategy, name, preset):
    """Graphs of a task's training and prediction steps, compiled as a recipe compiles them."""
    task = find_task(name)
    if name == "detection":  # the most that an update can hold; once is enough
        optimization = Optimization(ema=0.999, accumulate=4)
    else:
        optimization = Optimization(optimizer="sgd")
    recipe = Recipe(
        task=name,
        preset=preset,
        image_size=SIZE,
        backbone={"stochastic_depth_rate": 0.2},
        optimization=optimization,
    )
    with strategy.scope(), precision("bfloat16"):
        names = tuple(f"class {i}" for i in range(CLASSES))
        model = task.build_model(recipe, names, find_pretrained(recipe.preset))
        task.compile_model(model, recipe, build_optimizer(recipe.optimization, steps=100))
        model.optimizer.build(model.trainable_variables)
        if optimization.ema is not None:
            model.optimizer.averages = MovingAverages(model, optimization.ema)
    # Evaluation first: it makes the variables of the losses, without which training, the largest
    # graph by far, would be traced twice.
    graphs = {
        "evaluate": traced(strategy, lambda: model.test_step((images(), LABELS[name]()))),
        "train": traced(strategy, lambda: model.train_step((images(), LABELS[name]()))),
        "predict": traced(strategy, lambda: model.predict_step((images(),))),
    }
    return {
        "graphs": graphs,
        "variables": len(model.trainable_variables),
        "gradient_norm_is_clipped": model.optimizer.global_clipnorm is not None,
        "xla_of_its_own": model.jit_compile,
    }


class MeanDetections(keras.metrics.Mean):
    """The number of an image's detections: a metric of detections without host code."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        return super().update_state(y_pred["num_detections"])


def evaluation_with(strategy, make_metric):
    """Graph of the evaluation step of a small detector with a metric of detections."""
    with strategy.scope():
        x = inputs = keras.Input([SIZE, SIZE, 3])
        levels = {}
        for level in range(1, 8):
            x = keras.layers.Conv2D(8, 3, 2, "same", name=f"level{level}")(x)
            levels[f"P{level}"] = f"level{level}"
        backbone = keras.Model(inputs, x)
        backbone.pyramid_level_inputs = levels
        model = RetinaNet(backbone, CLASSES, "xyxy", head_layers=1)
        model.compile(
            optimizer="sgd",
            box_loss="smoothl1",
            classification_loss="focal",
            metrics=[make_metric()],
        )
    return traced(strategy, lambda: model.test_step((images(), LABELS["detection"]())))


def suppression_of_many():
    """More candidates than are sorted at once, with a limit to those of a class."""
    found = non_max_suppression(
        tf.zeros([IMAGES, 3000, 4]),
        tf.zeros([IMAGES, 3000, CLASSES]),
        iou_threshold=0.5,
        max_detections=100,
        max_detections_per_class=10,
    )
    return tf.reduce_sum(found["boxes"])


METRICS = {
    "in operations": MeanDetections,
    "keras-cv's": lambda: keras_cv.metrics.BoxCOCOMetrics("xyxy", evaluate_freq=1),
}

CONTROLS = {
    "numpy_function": lambda x: tf.numpy_function(lambda a: a, [x], tf.float32),
    "boolean_mask": lambda x: tf.reduce_sum(tf.boolean_mask(x, x > 0)),
    "bicubic resize": lambda x: tf.image.resize(x, [8, 8], "bicubic"),
}

if __name__ == "__main__":
    try:
        strategy = forged_tpu_strategy()
    except CannotForge as reason:
        print(json.dumps({"skip": str(reason)}))
        sys.exit()
    folder = tempfile.mkdtemp()
    Ladder().save_to_preset(folder)
    print(
        json.dumps(
            {
                "replicas": strategy.num_replicas_in_sync,
                "tasks": {name: steps_of(strategy, name, folder) for name in LABELS},
                "metrics": {
                    name: evaluation_with(strategy, metric) for name, metric in METRICS.items()
                },
                "suppression": traced(strategy, suppression_of_many),
                "controls": {
                    name: traced(strategy, lambda f=control: f(images()))
                    for name, control in CONTROLS.items()
                },
            }
        )
    )
