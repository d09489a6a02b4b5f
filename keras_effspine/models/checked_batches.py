"""Models that say what is wrong with the batches that they are given."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_effspine.models.batch_checks import as_arrays, check_image_shape

_Model: Any = object
"""What a type checker takes for the model that the class below is mixed with."""


class CheckedBatches(_Model):
    """Lets `fit`, `evaluate` and `predict` refuse wrong batches with a `ValueError`.

    Shapes and types are looked at when a step is traced, everywhere. Values of arrays are looked at
    before the first step, those of labels that come batch by batch in each step, beside what the
    step computes. The latter needs TensorFlow without XLA: under `jit_compile`, on TPUs and on
    other backends only arrays are looked at.
    """

    _looks_at_values = False
    _refusal: ValueError | None = None

    def check_labels(self, labels: Any, image_shape: Sequence[int]) -> None:
        """Raises a `ValueError` where labels make no sense; by default all do.

        Args:
            labels: NumPy arrays, of the structure of the model's labels.
            image_shape: height and width of the images.
        """

    def batch_of(self, data: Any) -> tuple[Any, Any, Any]:
        """Images, labels and sample weights of what a step is given."""
        return keras.utils.unpack_x_y_sample_weight(data)

    def train_step(self, *args: Any) -> Any:
        return keras.Model.train_step(self, *args[:-1], self._checked_batch(args[-1]))

    def test_step(self, *args: Any) -> Any:
        return keras.Model.test_step(self, *args[:-1], self._checked_batch(args[-1]))

    def _checked_batch(self, data: Any) -> tuple[Any, Any, Any]:
        images, labels, sample_weight = batch = self.batch_of(data)
        check_image_shape(images.shape, self.inputs[0].shape[-1])
        if not self._looks_at_values:
            return batch

        def look(shape: np.ndarray, *arrays: np.ndarray) -> None:
            try:
                check_image_shape(shape.tolist(), self.inputs[0].shape[-1])
                self.check_labels(keras.tree.pack_sequence_as(labels, arrays), shape[1:3].tolist())
            except ValueError as error:
                self._refusal = error
                raise

        looked = tf.numpy_function(look, [tf.shape(images), *keras.tree.flatten(labels)], [])
        # No weight is moved by a batch that is refused.
        with tf.control_dependencies([looked]):
            return tf.identity(images), labels, sample_weight

    def fit(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        with self._checked(x, y):
            return keras.Model.fit(self, x, y, *args, **kwargs)

    def evaluate(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        with self._checked(x, y):
            return keras.Model.evaluate(self, x, y, *args, **kwargs)

    def train_on_batch(self, x: Any, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        with self._checked(x, y):
            return keras.Model.train_on_batch(self, x, y, *args, **kwargs)

    def test_on_batch(self, x: Any, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        with self._checked(x, y):
            return keras.Model.test_on_batch(self, x, y, *args, **kwargs)

    def predict(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        self._check_source(x, None)
        return keras.Model.predict(self, x, *args, **kwargs)

    @contextlib.contextmanager
    def _checked(self, x: Any, y: Any) -> Iterator[None]:
        self._check_source(x, y)
        before = self._looks_at_values
        self._looks_at_values = (
            keras.backend.backend() == "tensorflow"
            and not self.jit_compile
            and not isinstance(self.distribute_strategy, tf.distribute.TPUStrategy)
        )
        try:
            yield
        except tf.errors.OpError:
            if self._refusal is None:
                raise
            # TensorFlow's error holds the message too, among thousands of characters.
            raise self._refusal from None
        finally:
            self._looks_at_values, self._refusal = before, None

    def _check_source(self, x: Any, y: Any) -> None:
        """Looks at what can be looked at before the first step, without taking batches out."""
        images: Any = x
        if isinstance(x, tf.data.Dataset):
            images, _, _ = keras.utils.unpack_x_y_sample_weight(x.element_spec)
        images = images.get("images") if isinstance(images, dict) else images
        if len(getattr(images, "shape", None) or ()) < 3:
            return  # a generator, or what Keras refuses by itself
        check_image_shape(images.shape, self.inputs[0].shape[-1])
        if isinstance(x, tf.data.Dataset) or (y is None and not isinstance(x, dict)):
            return
        _, labels, _ = self.batch_of((x,) if y is None else (x, y))
        labels = as_arrays(labels)
        if labels is not None:
            self.check_labels(labels, images.shape[1:3])
