"""The curves of a run for TensorBoard."""

import keras
import tensorflow as tf

from keras_effspine.training.steps_taken import steps_taken


class Curves(keras.callbacks.Callback):
    """Writes the losses and the learning rate every few steps.

    Keras' own callback counts steps from 0 in each `fit`; here a run that goes on continues its
    curves.

    Args:
        folder: `RunFolder`.
        every: number of steps between two points.
    """

    def __init__(self, folder, every=10):
        super().__init__()
        self._every = every
        self._writer = tf.summary.create_file_writer(str(folder.tensorboard / "training"))

    def on_train_batch_end(self, batch, logs=None):
        optimizer = self.model.optimizer
        step = steps_taken(self.model)
        if step % self._every:
            return
        with self._writer.as_default(step):
            for name, value in (logs or {}).items():
                tf.summary.scalar(name, value)
            tf.summary.scalar("learning_rate", float(optimizer.learning_rate))

    def on_train_end(self, logs=None):
        self._writer.flush()
