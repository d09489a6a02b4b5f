"""Keeping the state of a run, so that it can go on after an interruption."""

import time

import keras
import numpy as np

from keras_effspine.errors import TrainingError
from keras_effspine.optimizers import MovingAverages
from keras_effspine.stream.batch_log import BatchLog
from keras_effspine.training.run_folder import RunFolder
from keras_effspine.training.steps_taken import steps_taken


class Checkpoint(keras.callbacks.Callback):
    """Writes the model with its optimizer's state every few minutes and when training ends.

    Args:
        folder: `RunFolder`.
        averages: `MovingAverages` of the model.
        seconds: least time between two checkpoints.
    """

    def __init__(self, folder: RunFolder, averages: MovingAverages, seconds: float = 120.0) -> None:
        super().__init__()
        self._folder = folder
        self._averages = averages
        self._seconds = seconds
        self._saved_at = time.monotonic()
        self._saved_step: int | None = None

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if time.monotonic() - self._saved_at >= self._seconds:
            self.save()

    def on_train_end(self, logs: dict | None = None) -> None:
        self.save()

    def save(self) -> None:
        """Writes the checkpoint, unless this step's is there already.

        Raises:
            TrainingError: if a weight is not a finite number; the checkpoint before stays.
            RunFolderError: if the file cannot be written.
        """
        step = steps_taken(self.model)
        if step == self._saved_step:
            return
        self._averages.put_back()
        for weight in self.model.weights:
            if not np.isfinite(keras.ops.convert_to_numpy(weight)).all():
                raise TrainingError(
                    f"Step {step}: the weight {weight.path} is no longer finite; lower the "
                    "learning rate."
                )
        self._folder.write_model(self.model, self._averages)
        self._saved_at = time.monotonic()
        self._saved_step = step


class FiniteLoss(keras.callbacks.Callback):
    """Ends training when the loss is not a number, and says which pictures the step saw.

    Args:
        log: `BatchLog` of the batches.
    """

    def __init__(self, log: BatchLog) -> None:
        super().__init__()
        self._log = log

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        loss = (logs or {}).get("loss", 0.0)
        if np.isfinite(loss):
            return
        step = steps_taken(self.model)
        ids = ", ".join(str(image_id) for image_id in self._log.image_ids(step - 1))
        raise TrainingError(
            f"Step {step}: the loss is {loss} (pictures {ids}). Look at these pictures' "
            "annotations, or lower the learning rate."
        )
