"""Predictions for pictures by whatever predicts batches, without TensorFlow's input pipeline."""

import collections
import concurrent.futures
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from keras_effspine.data.checks import LARGEST_FAILED_SHARE
from keras_effspine.data.failed_images import FailedImages
from keras_effspine.data.images.letterbox import Letterboxed
from keras_effspine.data.record import Record, RecordSet
from keras_effspine.tasks.mirrored_images import mirrored_images
from keras_effspine.tasks.task import Task


class PicturePredictions(FailedImages):
    """Pairs of a record and the task's output for it, in order; threads read pictures ahead.

    Pictures that cannot be decoded are left out, and counted as in `stream.decoding`.

    Args:
        task: `Task`.
        predict: function from images `(batch, height, width, 3)` to what `Task.predict` returns.
        read: function from a record to its `Letterboxed` picture.
        record_set: `RecordSet`.
        batch_size: pictures predicted at a time.
        most_failed: as in `FailedImages`.
        flip: whether each picture is looked at mirrored, too; see `Task.fuse_mirrored`.
    """

    def __init__(
        self,
        task: Task,
        predict: Callable[[np.ndarray], Any],
        read: Callable[[Record], Letterboxed],
        record_set: RecordSet,
        batch_size: int = 8,
        most_failed: float = LARGEST_FAILED_SHARE,
        flip: bool = False,
    ) -> None:
        super().__init__(record_set, most_failed)
        self._task = task
        self._predict = predict
        self._read = read
        self._batch_size = batch_size
        self._flip = flip

    def __iter__(self) -> Iterator[tuple[Record, Any]]:
        with concurrent.futures.ThreadPoolExecutor() as pool:
            for records, placed in self._batches(pool):
                images = np.stack([one.image for one in placed])
                scales = np.stack([one.scale for one in placed])
                outputs = self._task.outputs(self._predict(images), scales, records)
                if self._flip:
                    images = mirrored_images(images, range(len(records)), scales, records)
                    mirrored = self._task.outputs(self._predict(images), scales, records)
                    outputs = list(map(self._task.fuse_mirrored, outputs, mirrored, records))
                yield from zip(records, outputs, strict=True)

    def _batches(
        self, pool: concurrent.futures.Executor
    ) -> Iterator[tuple[list[Record], list[Letterboxed]]]:
        coming = enumerate(self._records)
        reading = collections.deque(
            (index, pool.submit(self._read, record))
            for index, record in itertools.islice(coming, 2 * self._batch_size)
        )
        records, placed = list[Record](), list[Letterboxed]()
        while reading:
            index, future = reading.popleft()
            for next_index, record in itertools.islice(coming, 1):
                reading.append((next_index, pool.submit(self._read, record)))
            try:
                placed.append(future.result())
                records.append(self._records[index])
            except Exception as error:  # Pillow raises whatever a broken file leads it to
                self.note_failure(index, error)
            if len(records) == self._batch_size or (records and not reading):
                yield records, placed
                records, placed = [], []
