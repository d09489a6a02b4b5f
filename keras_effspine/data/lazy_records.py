"""Records that are made when they are asked for."""

import collections.abc


class MappedRecords(collections.abc.Sequence):
    """A sequence of records changed by a function, each time one is asked for.

    Args:
        records: sequence of `Record`.
        change: function from a `Record` to a `Record`.
    """

    def __init__(self, records, change):
        self._records, self._change = records, change

    def __len__(self):
        return len(self._records)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return tuple(map(self._change, self._records[index]))
        return self._change(self._records[index])
