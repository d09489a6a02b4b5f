"""Counting the pictures that cannot be decoded."""

import threading

from keras_effspine.data.checks import LARGEST_FAILED_SHARE, NAMED_EXAMPLES
from keras_effspine.data.record import RecordSet
from keras_effspine.errors import DataError


class FailedImages:
    """The pictures of a record set that could not be decoded; threads may add some.

    Args:
        record_set: `RecordSet`.
        most_failed: share of the pictures; when more of them, or all, have failed it is an error.

    Attributes:
        failed: dictionary from the index of a record to what is wrong with its picture.
    """

    def __init__(self, record_set: RecordSet, most_failed: float = LARGEST_FAILED_SHARE) -> None:
        self._records = record_set.records
        self._source = record_set.source
        self._most_failed = most_failed
        self._lock = threading.Lock()
        self.failed: dict[int, str] = {}

    def note_failure(self, index: int, error: Exception) -> None:
        """Remembers that a picture, or what is known of it, could not be read.

        Args:
            index: position of its record.
            error: why.

        Raises:
            DataError: as `check`.
        """
        message = (getattr(error, "message", None) or str(error) or repr(error)).splitlines()[0]
        with self._lock:
            self.failed.setdefault(int(index), message)
        self.check()

    def check(self) -> None:
        """Raises DataError if too many pictures have failed, or all of them."""
        count, images = len(self.failed), len(self._records)
        if count and (count == images or count > self._most_failed * images):
            raise DataError(
                f"{count} of the {images} pictures of {self._source} cannot "
                f"be decoded: {'; '.join(self.describe()[:NAMED_EXAMPLES])}; replace the files."
            )

    def describe(self) -> list[str]:
        """One line for each failed picture: path, image id, and the decoder's message."""
        with self._lock:
            failed = sorted(self.failed.items())
        records = [self._records[index] for index, _ in failed]
        return [
            f"{record.path} (image {record.image_id}): {message}"
            for record, (_, message) in zip(records, failed, strict=True)
        ]
