"""Predictions for large pictures, tile by tile."""

import concurrent.futures
import dataclasses
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from PIL import Image

from keras_effspine.data.failed_images import FailedImages
from keras_effspine.data.images.image_pixels import read_image
from keras_effspine.data.images.letterbox import Letterboxed, LetterboxPlan, letterbox
from keras_effspine.data.record import Record, RecordSet
from keras_effspine.data.tiles import Tiles
from keras_effspine.tasks.mirrored_images import mirrored_images
from keras_effspine.tasks.task import Task


class TiledPredictions:
    """Pairs of a record and the task's output for it, in order, joined from those of its tiles.

    A thread reads the next picture meanwhile. Batches hold tiles of several pictures; the last is
    filled up, so that all are of one size. Pictures that cannot be decoded are left out.

    Args:
        task: `Task`.
        predict: function from images `(batch, height, width, 3)` to what `Task.predict` returns.
        record_set: `RecordSet`.
        canvas: height and width of the network's input.
        tiles: `Tiles`.
        batch_size: tiles predicted at a time.
        failed: `FailedImages` of the record set, which notes those that cannot be decoded.
        upright: as in `data.images.image_pixels.read_image`.
        flip: whether each tile is looked at mirrored, too; see `Task.fuse_mirrored`.
    """

    def __init__(
        self,
        task: Task,
        predict: Callable[[np.ndarray], Any],
        record_set: RecordSet,
        canvas: tuple[int, int],
        tiles: Tiles,
        batch_size: int,
        failed: FailedImages,
        upright: bool = False,
        flip: bool = False,
    ) -> None:
        self._task = task
        self._predict = predict
        self._records = record_set.records
        self._canvas = canvas
        self._tiles = tiles
        self._batch_size = batch_size
        self._failed = failed
        self._upright = upright
        self._flip = flip

    def __iter__(self) -> Iterator[tuple[Record, Any]]:
        parts = self._parts()
        found: list[Any] = []
        while batch := list(itertools.islice(parts, self._batch_size)):
            for part, output in zip(batch, self._outputs(batch), strict=True):
                found.append(output)
                if len(found) == len(part.windows):
                    yield part.record, self._task.merge_tiles(found, part.windows, part.record)
                    found = []

    def _outputs(self, batch: list["_Part"]) -> list[Any]:
        images = np.zeros((self._batch_size, *self._canvas, 3), "float32")
        for row, part in enumerate(batch):
            images[row] = part.seen.image
        scales = np.stack([part.seen.scale for part in batch])
        records = [part.shown for part in batch]
        outputs = self._task.outputs(self._predict(images), scales, records)
        if self._flip:
            images = mirrored_images(images, range(len(batch)), scales, records)
            mirrored = self._task.outputs(self._predict(images), scales, records)
            outputs = list(map(self._task.fuse_mirrored, outputs, mirrored, records))
        return outputs

    def _parts(self) -> Iterator["_Part"]:
        for record, image in self._images():
            height, width = image.shape[:2]
            windows = self._tiles.windows(height, width)
            if self._tiles.whole and len(windows) > 1:
                windows = np.concatenate([windows, [(0, 0, width, height)]])
            for window in windows:
                yield self._part(record, image, windows, window)

    def _images(self) -> Iterator[tuple[Record, np.ndarray]]:
        def read(record):
            return read_image(record, self._upright)

        # One picture ahead: a large one takes hundreds of megabytes.
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            coming = None
            for index, record in enumerate(self._records):
                following = pool.submit(read, record)
                if coming is not None:
                    yield from self._read(*coming)
                coming = index, record, following
            if coming is not None:
                yield from self._read(*coming)

    def _read(self, index, record, reading):
        try:
            image = reading.result()
        except Exception as error:  # Pillow raises whatever a broken file leads it to
            self._failed.note_failure(index, error)
        else:
            yield record, image

    def _part(self, record, image, windows, window):
        left, top, width, height = window.tolist()
        part = image[top : top + height, left : left + width]
        if max(width, height) > self._tiles.size:  # the whole picture
            seen, size = letterbox(part, self._canvas), (height, width)
        else:
            seen, size = self._seen_at_full_size(part), (self._tiles.size, self._tiles.size)
        shown = dataclasses.replace(record, height=size[0], width=size[1])
        return _Part(record, windows, shown, seen)

    def _seen_at_full_size(self, part: np.ndarray) -> Letterboxed:
        """A tile, on which objects are as large where the picture does not fill it."""
        size = self._tiles.size
        plan = LetterboxPlan.of((size, size), self._canvas)
        if plan.reduction > 1:
            part = np.asarray(Image.fromarray(part).reduce(plan.reduction))
        scale = [seen / shown for seen, shown in zip(plan.target, plan.window, strict=True)]
        target = [
            min(max(round(length * by), 1), most)
            for length, by, most in zip(part.shape[:2], scale, plan.target, strict=True)
        ]
        plan = plan._replace(window=part.shape[:2], target=tuple(target))
        return plan.carried_out(part)


@dataclasses.dataclass(frozen=True, eq=False)
class _Part:
    """A tile of a picture, as the network sees it, beside all windows of the picture.

    `shown` has the size of the tile, even where the picture does not fill it.
    """

    record: Record
    windows: np.ndarray
    shown: Record
    seen: Letterboxed
