"""Points of curves for TensorBoard, each written once."""

import collections
import contextlib
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from keras_effspine.errors import RunFolderError
from keras_effspine.validation import reason


class CurveFile:
    """Curves in a folder of TensorBoard's event files.

    A run that is killed leaves points beyond its last checkpoint. When it goes on from there, it
    comes by them again: what the folder holds already is not written a second time.

    Args:
        folder: `pathlib.Path` of the folder, for these curves alone.
        writes: whether this process writes them; otherwise nothing is done.

    Raises:
        RunFolderError: here and in all methods, if nothing can be written there.
    """

    def __init__(self, folder: pathlib.Path, writes: bool = True) -> None:
        self._folder = folder
        self._written = {
            point for file in sorted(folder.glob("*.tfevents.*")) for point in _points(file)
        }
        new = tf.summary.create_file_writer if writes else lambda _: tf.summary.create_noop_writer()
        with self._writing():
            self._writer = new(str(folder))

    def scalar(self, name: str, value: float, step: int) -> None:
        """Adds a point to a curve."""
        self._add(tf.summary.scalar, name, value, step)

    def image(self, name: str, image: np.ndarray, step: int) -> None:
        """Adds a uint8 picture `(height, width, 3)`."""
        self._add(tf.summary.image, name, image[None], step)

    def _add(self, write: Callable, name: str, value: object, step: int) -> None:
        if (name, step) not in self._written:
            with self._writing(), self._writer.as_default(step):
                write(name, value)

    def flush(self) -> None:
        """Brings all points into the file, where a kill does not reach them."""
        with self._writing():
            self._writer.flush()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except (OSError, tf.errors.OpError) as error:
            raise RunFolderError(f"{self._folder}: cannot be written ({reason(error)}).") from error


def read_curves(folder: pathlib.Path) -> dict[str, list[tuple[int, float]]]:
    """The curves in a folder of event files: from a name to its steps and values, in order."""
    curves = collections.defaultdict[str, list[tuple[int, float]]](list)
    for file in sorted(folder.glob("*.tfevents.*")):
        for value, step in _values(file):
            if value.metadata.plugin_data.plugin_name == "scalars":
                curves[value.tag].append((step, float(tf.make_ndarray(value.tensor))))
    return {name: sorted(points) for name, points in curves.items()}


def _points(file: pathlib.Path) -> Iterator[tuple[str, int]]:
    """Yields the name and the step of each point in an event file."""
    return ((value.tag, step) for value, step in _values(file))


def _values(file: pathlib.Path) -> Iterator[tuple[Any, int]]:
    """Yields the points in an event file, as TensorFlow's messages, and their steps.

    The last record is half where the writer was killed; what stands before it counts.
    """
    records = iter(tf.data.TFRecordDataset(str(file)))
    while True:
        try:
            event = tf.compat.v1.Event.FromString(next(records).numpy())
        except (StopIteration, tf.errors.DataLossError):
            return
        yield from ((value, event.step) for value in event.summary.value)
