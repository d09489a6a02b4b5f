"""Decoding pictures inside tf.data, with a count of those that fail."""

import contextlib
import threading

import numpy as np
import tensorflow as tf

from keras_effspine.data.checks import LARGEST_FAILED_SHARE, NAMED_EXAMPLES
from keras_effspine.errors import DataError


class PictureDecoder:
    """Decodes image files and remembers the ones that could not be decoded.

    A file that fails is skipped wherever it turns up; when more than a tenth of all files have
    failed, reading stops.

    Args:
        record_set: the `RecordSet` whose pictures are decoded.
    """

    def __init__(self, record_set):
        self._paths = [str(record.path) for record in record_set.records]
        self._ids = [record.image_id for record in record_set.records]
        self._source = record_set.source
        self._lock = threading.Lock()
        self.failed = {}  # index of the record: message

    def decode(self, index):
        """Reads one picture; to be used in `tf.data.Dataset.map`.

        Args:
            index: int64 scalar, position of the record.

        Returns:
            Pair of the picture, uint8 `(height, width, 3)`, and a bool scalar that is false where
            decoding failed.
        """
        image, decoded = tf.numpy_function(self._decode, [index], [tf.uint8, tf.bool])
        image.set_shape([None, None, 3])
        decoded.set_shape([])
        return image, decoded

    def _decode(self, index):
        try:
            content = tf.io.read_file(self._paths[index])
            image = tf.io.decode_image(content, channels=3, expand_animations=False)
            return image.numpy(), True
        except tf.errors.OpError as error:
            with self._lock:
                self.failed[int(index)] = error.message.splitlines()[0]
            self.check()
            return np.zeros((1, 1, 3), "uint8"), False

    def check(self):
        """Raises DataError if more than a tenth of the files have failed."""
        if len(self.failed) > LARGEST_FAILED_SHARE * len(self._paths):
            raise DataError(
                f"{len(self.failed)} of the {len(self._paths)} pictures of {self._source} cannot "
                f"be decoded: {'; '.join(self.describe()[:NAMED_EXAMPLES])}; replace the files."
            )

    @contextlib.contextmanager
    def failures_as_data_errors(self):
        """Turns TensorFlow's error, where too many files failed, into the DataError behind it."""
        try:
            yield
        except tf.errors.OpError:
            self.check()
            raise

    def describe(self):
        """One line for each failed file: path, image id, and the decoder's message."""
        with self._lock:
            return [
                f"{self._paths[index]} (image {self._ids[index]}): {message}"
                for index, message in sorted(self.failed.items())
            ]
