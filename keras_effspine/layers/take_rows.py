"""Rows of a matrix in each image of a batch."""

from typing import Any

from keras import ops


def take_rows(values: Any, index: Any) -> Any:
    """Rows `(batch, n, k)` of values `(batch, m, k)` at indices `(batch, n)`.

    `take_along_axis` would look up each number of a row.
    """
    _, rows, width = values.shape
    first = ops.expand_dims(ops.arange(ops.shape(values)[0], dtype="int32") * rows, 1)
    return ops.take(ops.reshape(values, (-1, width)), index + first, axis=0)
