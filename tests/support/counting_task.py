"""A task as small as a task can be: counting the objects of a picture."""

import keras
import numpy as np
import tensorflow as tf

from keras_effspine.tasks.options import Rate, TaskOptions
from keras_effspine.tasks.task import Task


class CountingOptions(TaskOptions):
    """Counting's own values of a recipe.

    Args:
        dropout: a state of randomness, with which a run must go on.
    """

    dropout: Rate = 0.2


class Counting(Task):
    """How many objects a picture shows. An output is a float."""

    options = CountingOptions

    def check(self, record_set):
        pass

    def build_model(self, recipe, class_names, start=None):
        images = keras.Input([None, None, 3])
        x = keras.layers.Rescaling(1 / 255)(images)
        x = keras.layers.Conv2D(4, 3, strides=4, activation="relu")(x)
        x = keras.layers.Dropout(recipe.options.dropout)(x)
        x = keras.layers.GlobalAveragePooling2D()(x)
        return keras.Model(images, keras.layers.Dense(1, bias_initializer="ones")(x))

    def compile_model(self, model, recipe, optimizer):
        model.compile(optimizer, "mse")

    def batch_fields(self, record_set, images_a_sample=1):
        return lambda sample: tf.cast(tf.shape(sample["classes"])[:1], "float32")

    def outputs(self, predictions, scales, records):
        assert predictions.shape[0] >= len(records) == len(scales)
        return [float(predictions[row, 0]) for row in range(len(records))]

    def truth(self, record):
        return float(np.sum(~record.is_crowd))

    def evaluator(self, record_set):
        return _Evaluator(self)

    def draw(self, image, output, class_names, min_score=0.0):
        drawn = image.copy()
        drawn[: max(1, round(output))] = 255
        return drawn


class _Evaluator:
    def __init__(self, task):
        self._task = task
        self._found = {}
        self._errors = []

    def add(self, record, output):
        self._found[record.image_id] = output
        self._errors.append(abs(output - self._task.truth(record)))

    def predictions(self):
        return [{"image_id": id, "count": count} for id, count in self._found.items()]

    def result(self):
        return _Result(float(np.mean(self._errors)))


class _Result:
    def __init__(self, error):
        self.metrics = {"exactness": 1 / (1 + error), "count_error": error, "nothing": None}

    def tables(self):
        return [f"counted with an error of {self.metrics['count_error']:.3f}"]

    def as_json(self):
        return self.metrics
