"""What a network of a trained supernet is worth, without training it."""

from collections.abc import Callable
from typing import Any, cast

import keras
import numpy as np
import tensorflow as tf

from keras_effspine.data.record import RecordSet
from keras_effspine.stream.decoding import ImageDecoder
from keras_effspine.stream.pipeline import training_batches
from keras_effspine.tasks.inference import evaluate
from keras_effspine.tasks.registry import find_task
from keras_effspine.training.recipe import Recipe

RECALIBRATED_ON = 128
"""Training pictures, or somewhat more, that a network's statistics are taken from."""


class SliceScores:
    """Selects networks of a supernet, gives them statistics, and measures them.

    The statistics of normalisation are each network's own: the means over batches of training
    pictures, on which it is called as in training.

    Args:
        model: what `searching.supernet.build_supernet` made, with its weights.
        records: the `RecordSet` that it was trained on.
        measured: the `RecordSet` to measure on.
        recipe: `Recipe` in full.
    """

    def __init__(self, model: Any, records: RecordSet, measured: RecordSet, recipe: Recipe) -> None:
        self._model, self._recipe = model, recipe
        self._records, self._measured = records, measured
        self._task = find_task(recipe.task)
        self._moving = [
            weight
            for layer in model._flatten_layers(include_self=False)
            if isinstance(layer, keras.layers.BatchNormalization)
            for weight in (layer.moving_mean, layer.moving_variance)
        ]
        self._call: Callable[[Any], Any] = tf.function(self._called)
        self._stream: tuple[int, ImageDecoder, tf.data.Dataset] | None = None

    def _called(self, data):
        """The statistics of a batch, which are what `_moving` holds after it, in one tensor."""
        inputs, _ = self._model.training_inputs(data)
        self._model.training_graph(inputs, training=True)
        return tf.concat([tf.reshape(weight, [-1]) for weight in self._moving], axis=0)

    def select(self, widths: tuple[int, ...], seed: int) -> None:
        """Makes the supernet one of its networks, with statistics of its own.

        Args:
            widths: channels of each block.
            seed: of the pictures, their order and their changes.
        """
        self._model.backbone.select(widths)
        decoder, stream = self._batches(seed)
        batches = -(-RECALIBRATED_ON // self._recipe.batch_size)
        with decoder.failures_as_data_errors():
            total = sum(self._call(data).numpy().astype("float64") for data in stream.take(batches))
        decoder.calls.wait_until_idle()
        ends = np.cumsum([np.prod(weight.shape, dtype=int) for weight in self._moving])
        means = np.split((total / batches).astype("float32"), ends[:-1])
        for weight, mean in zip(self._moving, means, strict=True):
            weight.assign(mean.reshape(weight.shape))

    def _batches(self, seed: int) -> tuple[ImageDecoder, tf.data.Dataset]:
        """The training batches of a seed, traced once for all networks that are asked about."""
        if self._stream is None or self._stream[0] != seed:
            decoder = ImageDecoder(self._records)
            augmentation = self._task.augmentation(self._recipe)
            stream = training_batches(
                self._records,
                decoder,
                self._task.batch_fields(self._records, augmentation.images_a_sample),
                cast(int, self._recipe.image_size),
                self._recipe.batch_size,
                seed,
                augmentation,
                labels=self._task.labels,
                repeats=self._task.repeats(self._recipe, self._records),
            )
            self._stream = seed, decoder, stream
        return self._stream[1:]

    def result(self, widths: tuple[int, ...], seed: int) -> Any:
        """The result of the task's evaluator for a network, on the reserved pictures."""
        self.select(widths, seed)
        evaluator = evaluate(
            self._task,
            self._model,
            self._measured,
            cast(int, self._recipe.image_size),
            self._recipe.batch_size,
        )
        return evaluator.result()
