"""The curves of training for TensorBoard."""

import keras

from keras_effspine.training.run_folder import RunFolder
from keras_effspine.training.steps_taken import steps_taken


class Curves(keras.callbacks.Callback):
    """Writes the losses, as means since the point before, and the learning rate every few steps.

    Keras' own callback counts steps from 0 in each `fit`; here a run that goes on continues its
    curves. The points are in the file before the next checkpoint is, so that none is missing.

    Args:
        folder: `RunFolder`.
        every: number of steps between two points.
    """

    def __init__(self, folder: RunFolder, every: int = 10) -> None:
        super().__init__()
        self._every = every
        self._file = folder.curves("training")

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        step = steps_taken(self.model)
        if step % self._every:
            return
        for name, value in (logs or {}).items():
            self._file.scalar(name, float(value), step)
        self._file.scalar("learning_rate", float(self.model.optimizer.learning_rate), step)
        self._file.flush()
        self.model.reset_metrics()
