"""Records kept as columns, so that a million of them load in seconds and fit the memory."""

import dataclasses
import json
import pathlib
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from keras_effspine.data.column_schema import (
    OBJECTS,
    RECORDS,
    check_columns,
    check_ends,
    column,
    columns_of,
)
from keras_effspine.data.record import Record
from keras_effspine.data.texts import Texts
from keras_effspine.errors import DataError
from keras_effspine.validation import shown

_FAR = 2.0**32
"""Pixels beyond which no box reaches."""


@dataclasses.dataclass(frozen=True, eq=False)
class RecordColumns:
    """The fields of `N` records with `M` objects in all.

    Args:
        files: list of the paths of the files that hold the pictures.
        file_index: index of the record's file.
        offset, length: the bytes of the encoded picture in it; -1 means all that follow.
        width, height: pixels.
        image_ids: ids in JSON.
        names: file names.
        image_label: class of the whole picture; -1 stands for none.
        object_ends: where each record's objects end in the following.
        boxes: `xywh` in pixels.
        classes, areas, is_crowd: as in `Record`.
        annotation_ids, masks, attributes: values in JSON; the empty string stands for no mask, and
            for no attributes.
    """

    files: list
    file_index: np.ndarray = column("int32", RECORDS, 0)
    offset: np.ndarray = column("int64", RECORDS, 0)
    length: np.ndarray = column("int64", RECORDS, -1)
    width: np.ndarray = column("int32", RECORDS, 1)
    height: np.ndarray = column("int32", RECORDS, 1)
    image_ids: Texts = column("int64", RECORDS)
    names: Texts = column("int64", RECORDS)
    image_label: np.ndarray = column("int32", RECORDS, -1)
    object_ends: np.ndarray = column("int64", RECORDS, 0)
    boxes: np.ndarray = column("float64", OBJECTS, -_FAR, _FAR, shape=(4,))
    classes: np.ndarray = column("int32", OBJECTS, 0)
    areas: np.ndarray = column("float64", OBJECTS, 0, sys.float_info.max)
    is_crowd: np.ndarray = column("bool", OBJECTS)
    annotation_ids: Texts = column("int64", OBJECTS)
    masks: Texts = column("int64", OBJECTS)
    attributes: Texts = column("int64", OBJECTS)

    @classmethod
    def of(cls, records: Sequence[Record]) -> "RecordColumns":
        """The columns of a list of `Record`s."""
        files = list(dict.fromkeys(str(record.path) for record in records))
        number_of = {file: number for number, file in enumerate(files)}
        lengths, boxes, classes, is_crowd = object_arrays(records)
        parts = [(r, r.attributes or ({},) * len(r.boxes)) for r in records]
        ids = [r.annotation_ids or (None,) * len(r.boxes) for r in records]
        masks = [r.masks or (None,) * len(r.boxes) for r in records]
        return cls(
            files=files,
            file_index=np.array([number_of[str(r.path)] for r in records], "int32"),
            offset=np.array([r.offset for r in records], "int64"),
            length=np.array([-1 if r.length is None else r.length for r in records], "int64"),
            width=np.array([r.width for r in records], "int32"),
            height=np.array([r.height for r in records], "int32"),
            image_ids=Texts.of([_json(r.image_id) for r in records]),
            names=Texts.of([r.name or r.path.name for r in records]),
            image_label=image_labels(records),
            object_ends=np.cumsum(lengths),
            boxes=boxes,
            classes=classes,
            areas=np.concatenate([np.zeros(0), *(r.areas for r in records)]),
            is_crowd=is_crowd,
            annotation_ids=Texts.of([_json(one) for some in ids for one in some]),
            masks=Texts.of(["" if m is None else _json(m) for some in masks for m in some]),
            attributes=Texts.of([_json(a) if a else "" for _, some in parts for a in some]),
        )

    def as_arrays(self) -> dict[str, np.ndarray]:
        """All columns but `files` as a dictionary of arrays."""
        arrays: dict[str, np.ndarray] = {}
        for name in columns_of(type(self)):
            value = getattr(self, name)
            if isinstance(value, Texts):
                arrays |= {f"{name}.blob": value.blob, f"{name}.ends": value.ends}
            else:
                arrays[name] = value
        return arrays

    @classmethod
    def from_arrays(cls, files: list, read: Callable[[str], np.ndarray]) -> "RecordColumns":
        """The columns that `as_arrays` gave; `read` gives an array by its name."""
        columns: dict[str, Any] = {
            field.name: Texts(read(f"{field.name}.blob"), read(f"{field.name}.ends"))
            if field.type is Texts
            else read(field.name)
            for field in dataclasses.fields(cls)[1:]
        }
        return cls(files, **columns)

    def check(self, sizes: list[int], classes: int) -> None:
        """Holds all columns against their schema, and against each other.

        Args:
            sizes: bytes of each of the files.
            classes: number of classes.

        Raises:
            ValueError: says which column is wrong.
        """
        counts = {RECORDS: len(self.file_index), OBJECTS: len(self.classes)}
        limits = {"file_index": len(self.files) - 1}
        check_columns(self, counts, limits | dict.fromkeys(("classes", "image_label"), classes - 1))
        check_ends("object_ends", self.object_ends, counts[OBJECTS])
        if counts[OBJECTS] and not self.boxes[:, 2:].min() > 0:
            raise ValueError("boxes: one has no area")
        if counts[RECORDS]:
            ends = np.array(sizes, "int64")[self.file_index]
            if (self.offset > ends - np.maximum(self.length, 0)).any():
                raise ValueError("offset: a picture reaches beyond the end of its file")


class ColumnRecords(Sequence[Record]):
    """A sequence of records that makes each one when it is asked for.

    Args:
        columns: `RecordColumns`.
    """

    def __init__(self, columns: RecordColumns):
        self.columns = columns
        self._paths = [pathlib.Path(file) for file in columns.files]

    def with_classes(self, to_index: np.ndarray) -> "ColumnRecords":
        """The same records with other class indices.

        Args:
            to_index: int array `(classes,)`, the new index of each class.
        """
        columns = self.columns
        classes = to_index[columns.classes].astype("int32")
        labels = np.append(to_index, -1)[columns.image_label]
        return ColumnRecords(
            dataclasses.replace(columns, classes=classes, image_label=labels.astype("int32"))
        )

    def __len__(self) -> int:
        return len(self.columns.file_index)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        index = range(len(self))[index]
        columns = self.columns
        start = int(columns.object_ends[index - 1]) if index else 0
        objects = slice(start, int(columns.object_ends[index]))
        length, label = int(columns.length[index]), int(columns.image_label[index])
        path = self._paths[columns.file_index[index]]
        return Record(
            image_id=_parsed(columns.image_ids, index, (int, str), path),
            path=path,
            width=int(columns.width[index]),
            height=int(columns.height[index]),
            boxes=columns.boxes[objects],
            classes=columns.classes[objects].astype("int64"),
            areas=columns.areas[objects],
            is_crowd=columns.is_crowd[objects],
            annotation_ids=_JsonParts(columns.annotation_ids, objects, (int, str, _NONE), path),
            masks=_JsonParts(columns.masks, objects, (list, dict), path),
            attributes=_JsonParts(columns.attributes, objects, dict, path, {}),
            image_label=None if label < 0 else label,
            offset=int(columns.offset[index]),
            length=None if length < 0 else length,
            name=_text(columns.names, index, path),
        )


def object_arrays(
    records: Sequence[Record],
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The objects of all records in four arrays, without a record being made where none need be.

    Args:
        records: sequence of `Record`.

    Returns:
        Tuple of lengths int64 `(N,)`, number of objects of each record; boxes float64 `(M, 4)`,
        `xywh` in pixels; classes int32 `(M,)`; and is_crowd bool `(M,)`.
    """
    if isinstance(records, ColumnRecords):
        columns = records.columns
        lengths = np.diff(columns.object_ends, prepend=0)
        return lengths, columns.boxes, columns.classes, columns.is_crowd
    return (
        np.array([len(r.boxes) for r in records], "int64"),
        np.concatenate([np.zeros((0, 4)), *(r.boxes for r in records)]),
        np.concatenate([np.zeros(0), *(r.classes for r in records)]).astype("int32"),
        np.concatenate([np.zeros(0, bool), *(r.is_crowd for r in records)]),
    )


def image_labels(records: Sequence[Record]) -> np.ndarray:
    """The classes of whole pictures, without a record being made where none need be.

    Args:
        records: sequence of `Record`.

    Returns:
        int32 `(N,)`, -1 where a record has none.
    """
    if isinstance(records, ColumnRecords):
        return records.columns.image_label
    return np.array([-1 if r.image_label is None else r.image_label for r in records], "int32")


_NONE = type(None)
_AGAIN = "make the data set again"


class _JsonParts(Sequence):
    """A record's part of a column of JSON values, parsed when it is asked for."""

    def __init__(self, texts: Texts, part: slice, kind, path: pathlib.Path, empty=None):
        self._texts, self._part, self._empty = texts, range(part.start, part.stop), empty
        self._kind, self._path = kind, path

    def __len__(self):
        return len(self._part)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        return _parsed(self._texts, self._part[index], self._kind, self._path, self._empty)


def _text(texts: Texts, index: int, path: pathlib.Path) -> str:
    try:
        return texts[index]
    except ValueError as error:
        raise DataError(f"The index of {path} holds bytes that are no text; {_AGAIN}.") from error


def _parsed(texts: Texts, index: int, kind, path: pathlib.Path, empty=None):
    """A value of a column of JSON; the empty text stands for `empty`."""
    text = _text(texts, index, path)
    try:
        value = json.loads(text) if text else empty
    except (ValueError, RecursionError):
        value = ...
    if not isinstance(value, kind) and value is not empty:
        raise DataError(
            f"The index of {path} holds {shown(text)} where a value in JSON is due; {_AGAIN}."
        )
    return value


def _json(value: object) -> str:
    return json.dumps(value, default=_plain)


def _plain(value: Any) -> object:
    """What pycocotools and NumPy put into masks and ids as what JSON can hold."""
    return value.decode("ascii") if isinstance(value, bytes) else value.tolist()
