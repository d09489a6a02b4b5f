"""A part of the training pictures that is measured on in place of being trained on."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from keras_effspine.data.record import Record, RecordSet
from keras_effspine.errors import DataError


def reserve_records(record_set: RecordSet, count: int) -> tuple[RecordSet, RecordSet]:
    """Sets some records apart: the same ones whenever a set of this size is asked for so many.

    Args:
        record_set: `RecordSet`.
        count: number of records to set apart, at least 1.

    Returns:
        Pair of `RecordSet`s: those that stay, and those that are reserved, both in their order.

    Raises:
        DataError: if more would be reserved than stay.
    """
    total = len(record_set.records)
    if not 1 <= count <= total // 2:
        raise DataError(
            f"{record_set.source}: of {total} pictures {count} cannot be reserved to measure on; "
            f"more would be reserved than stay. Reserve {max(total // 2, 1)} at most, or name more "
            "data."
        )
    reserved = np.zeros(total, bool)
    # No seed of the user's: what is reserved must not change between runs that are compared.
    reserved[np.random.default_rng(0).permutation(total)[:count]] = True
    stay, apart = (
        dataclasses.replace(record_set, records=_Some(record_set.records, np.flatnonzero(chosen)))
        for chosen in (~reserved, reserved)
    )
    return stay, apart


class _Some(Sequence[Record]):
    """Some of the records of a sequence, each made when it is asked for."""

    def __init__(self, records: Sequence[Record], places: np.ndarray) -> None:
        self._records, self._places = records, places

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        return self._records[int(self._places[index])]
