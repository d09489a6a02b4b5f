"""Which pictures the latest batches hold, so that a step that fails can be traced to them."""

import numpy as np
import tensorflow as tf

from keras_effspine.data.record import RecordSet


class BatchLog:
    """Remembers the records of the latest batches of a stream.

    Args:
        record_set: the `RecordSet` that the batches are made of.
        kept: number of batches remembered; more than tf.data makes ahead of the step.
    """

    def __init__(self, record_set: RecordSet, kept: int = 1000) -> None:
        self._records = record_set.records
        self._kept = kept
        self._batches: dict[int, np.ndarray] = {}

    def note(self, number: tf.Tensor, index: tf.Tensor) -> None:
        """To be called where tf.data makes a batch.

        Args:
            number: int64 scalar, the batch's place in the stream, from 0.
            index: int64 array of any shape, positions of its records; -1 stands for none.
        """
        tf.numpy_function(self._note, [number, index], [])

    def _note(self, number, index):
        self._batches[int(number)] = index[index >= 0]
        self._batches.pop(int(number) - self._kept, None)

    def image_ids(self, number: int) -> list[int | str]:
        """Ids of the pictures in a batch, by its place in the stream; empty if forgotten."""
        return [self._records[index].image_id for index in self._batches.get(number, [])]
