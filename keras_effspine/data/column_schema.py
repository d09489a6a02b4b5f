"""What columns of records may hold, and whether they do: `Column` and `check_columns`."""

import dataclasses
from typing import Any

import numpy as np

from keras_effspine.data.texts import Texts

RECORDS, OBJECTS = "records", "objects"


@dataclasses.dataclass(frozen=True)
class Column:
    """What an array holds.

    Args:
        dtype: its type; of texts, that of their ends.
        rows: `RECORDS` or `OBJECTS`, which it has one row each of.
        least, most: range of its values; None for no limit of its own.
        shape: of a row.
    """

    dtype: str
    rows: str
    least: float | None = None
    most: float | None = None
    shape: tuple[int, ...] = ()


def column(
    dtype: str,
    rows: str,
    least: float | None = None,
    most: float | None = None,
    shape: tuple[int, ...] = (),
) -> Any:
    """A field of a dataclass that is a `Column`; typed, as `dataclasses.field`, to fit any."""
    return dataclasses.field(metadata={"column": Column(dtype, rows, least, most, shape)})


def columns_of(kind: type) -> dict[str, Column]:
    """The columns of a dataclass by their names; texts have two arrays, `.blob` and `.ends`."""
    fields = (field for field in dataclasses.fields(kind) if "column" in field.metadata)
    return {field.name: field.metadata["column"] for field in fields}


def check_columns(columns: object, counts: dict[str, int], most: dict[str, int]) -> None:
    """Holds columns against their schema.

    Args:
        columns: instance of a dataclass with fields made by `column`.
        counts: number of rows of `RECORDS` and `OBJECTS`.
        most: largest value of columns whose range others decide.

    Raises:
        ValueError: a column has another type, another number of rows, or a value out of range;
            names it.
    """
    for name, wanted in columns_of(type(columns)).items():
        array = value = getattr(columns, name)
        if isinstance(value, Texts):
            array = value.ends
            _check_shape(f"{name}.blob", value.blob, "uint8", (len(value.blob),))
            check_ends(f"{name}.ends", array, len(value.blob))
        _check_shape(name, array, wanted.dtype, (counts[wanted.rows], *wanted.shape))
        highest = most.get(name, wanted.most)
        if not array.size:
            continue
        # NaN is in neither comparison, and so refused where there is a range.
        if wanted.least is not None and not array.min() >= wanted.least:
            raise ValueError(f"{name}: {array.min()} is less than {wanted.least}")
        if highest is not None and not array.max() <= highest:
            raise ValueError(f"{name}: {array.max()} is more than {highest}")


def check_ends(name: str, ends: np.ndarray, whole: int) -> None:
    """Refuses ends of parts that do not fill a whole, one after the other."""
    if not len(ends):
        fill = not whole
    else:
        fill = ends[0] >= 0 and ends[-1] == whole and bool((ends[1:] >= ends[:-1]).all())
    if not fill:
        raise ValueError(f"{name}: the parts do not fill the {whole} that there are")


def _check_shape(name: str, array: np.ndarray, dtype: str, shape: tuple) -> None:
    if array.dtype != dtype or array.shape != shape:
        raise ValueError(
            f"{name}: an array of {array.dtype} {array.shape}, and must be {dtype} {shape}"
        )
