"""Points of curves for TensorBoard, each written once."""

import tensorflow as tf


class CurveFile:
    """Curves in a folder of TensorBoard's event files.

    A run that is killed leaves points beyond its last checkpoint. When it goes on from there, it
    comes by them again: what the folder holds already is not written a second time.

    Args:
        folder: `pathlib.Path` of the folder, for these curves alone.
        writes: whether this process writes them; otherwise nothing is done.
    """

    def __init__(self, folder, writes=True):
        self._written = {
            point for file in sorted(folder.glob("*.tfevents.*")) for point in _points(file)
        }
        new = tf.summary.create_file_writer if writes else lambda _: tf.summary.create_noop_writer()
        self._writer = new(str(folder))

    def scalar(self, name, value, step):
        """Adds a point to a curve."""
        self._add(tf.summary.scalar, name, value, step)

    def image(self, name, image, step):
        """Adds a uint8 picture `(height, width, 3)`."""
        self._add(tf.summary.image, name, image[None], step)

    def _add(self, write, name, value, step):
        if (name, step) not in self._written:
            with self._writer.as_default(step):
                write(name, value)

    def flush(self):
        """Brings all points into the file, where a kill does not reach them."""
        self._writer.flush()


def _points(file):
    """Yields the name and the step of each point in an event file.

    The last record is half where the writer was killed; what stands before it counts.
    """
    records = iter(tf.data.TFRecordDataset(str(file)))
    while True:
        try:
            event = tf.compat.v1.Event.FromString(next(records).numpy())
        except (StopIteration, tf.errors.DataLossError):
            return
        yield from ((value.tag, event.step) for value in event.summary.value)
