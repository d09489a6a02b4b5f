"""Reading and decoding pictures inside tf.data, with a count of the pictures that fail."""

import contextlib
import typing
from collections.abc import Iterator

import numpy as np
import tensorflow as tf
from PIL import Image

from keras_effspine.data.checks import LARGEST_FAILED_SHARE
from keras_effspine.data.failed_images import FailedImages
from keras_effspine.data.images.image_bytes import read_image_bytes
from keras_effspine.data.record import RecordSet
from keras_effspine.stream.image_windows import read_window
from keras_effspine.stream.placement import MOST_HALVINGS, Placement
from keras_effspine.stream.python_calls import PythonCalls


class Encoded(typing.NamedTuple):
    """A picture as read, not decoded yet.

    Args:
        index: int64 scalar, position of the record.
        content: string scalar, the encoded picture; empty if it could not be read.
        is_plain: bool scalar, whether it is known to be a sound JPEG without particulars.
        shape: int32 `(2,)`, the picture's height and width.
    """

    index: tf.Tensor
    content: tf.Tensor
    is_plain: tf.Tensor
    shape: tf.Tensor


class ImageDecoder(FailedImages):
    """Reads and decodes pictures and remembers the ones that could not be decoded.

    When too many pictures have failed, a tenth by default, reading stops.

    A picture is decoded under Python's eyes until it was once found to be a sound JPEG; from then
    on TensorFlow decodes it alone, which takes a fifth less time and runs beside Python.

    Args:
        record_set: the `RecordSet` whose pictures are decoded.
        upright: whether pictures are shown as a viewer shows them; see `data.images.orientation`.
        most_failed: share of the pictures; reading stops when more of them, or all, have failed.

    Attributes:
        upright: as above.
        calls: the `PythonCalls` that read and decode.
    """

    def __init__(
        self,
        record_set: RecordSet,
        upright: bool = False,
        most_failed: float = LARGEST_FAILED_SHARE,
    ) -> None:
        super().__init__(record_set, most_failed)
        Image.preinit()  # once, before threads ask for it at the same time
        self._records = record_set.records
        self.upright = upright
        self._is_plain = np.zeros(len(record_set.records), bool)
        self.calls = PythonCalls()

    def read(self, index: tf.Tensor) -> Encoded:
        """Reads the record's file; to be used in `tf.data.Dataset.map`.

        Args:
            index: int64 scalar, position of the record.

        Returns:
            `Encoded`.
        """
        types = [tf.string, tf.bool, tf.int32]
        found = tf.numpy_function(self.calls.counted(self._read), [index], types)
        for tensor, shape in zip(found, [[], [], [2]], strict=True):
            tensor.set_shape(shape)
        return Encoded(index, *found)

    def decode(self, encoded: Encoded, placement: Placement) -> tuple[tf.Tensor, tf.Tensor]:
        """Decodes what a placement shows of a picture.

        Args:
            encoded: `Encoded`.
            placement: `Placement`.

        Returns:
            Pair of the part, uint8 `(height, width, 3)`, and a bool scalar that is false where
            decoding failed.
        """

        def fast():
            part = tf.switch_case(
                placement.halvings,
                [
                    lambda ratio=2**step: tf.io.decode_and_crop_jpeg(
                        encoded.content, placement.window, channels=3, ratio=ratio
                    )
                    for step in range(MOST_HALVINGS + 1)
                ],
            )
            return part, True

        def careful():
            values = [encoded.index, encoded.content, placement.halvings, placement.window]
            decode = self.calls.counted(self._decode)
            return tuple(tf.numpy_function(decode, values, [tf.uint8, tf.bool]))

        part, decoded = tf.cond(encoded.is_plain, fast, careful)
        part.set_shape([None, None, 3])
        decoded.set_shape([])
        return part, decoded

    def _read(self, index):
        record = self._records[index]
        try:
            content = read_image_bytes(record)
        except OSError as error:
            self.note_failure(index, error)
            content = b""
        shape = np.array([record.height, record.width], "int32")
        return content, self._is_plain[index] and bool(content), shape

    def _decode(self, index, content, halvings, window):
        try:
            record = self._records[index]
            part, is_plain = read_window(content, record, 2**halvings, window, self.upright)
        except Exception as error:  # Pillow raises whatever a broken file leads it to
            self.note_failure(index, error)
            return np.zeros((1, 1, 3), "uint8"), False
        self._is_plain[index] = is_plain
        return part, True

    @contextlib.contextmanager
    def failures_as_data_errors(self) -> Iterator[None]:
        """Turns TensorFlow's error, where too many pictures failed, into a DataError."""
        try:
            yield
        except tf.errors.OpError:
            self.check()
            raise
