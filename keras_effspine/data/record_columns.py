"""Records kept as columns, so that a million of them load in seconds and fit the memory."""

import collections.abc
import dataclasses
import json
import pathlib

import numpy as np

from keras_effspine.data.record import Record


class Texts:
    """Many strings in one array of bytes.

    Args:
        blob: uint8 array `(bytes,)`, UTF-8 with lone surrogates passed through.
        ends: int64 array `(strings,)`, where each string ends in it.
    """

    def __init__(self, blob, ends):
        self.blob, self.ends = blob, ends

    @classmethod
    def of(cls, strings):
        encoded = [one.encode("utf-8", "surrogatepass") for one in strings]
        blob = np.frombuffer(b"".join(encoded), "uint8")
        return cls(blob, np.cumsum([len(one) for one in encoded], dtype="int64"))

    def __len__(self):
        return len(self.ends)

    def __getitem__(self, index):
        start = self.ends[index - 1] if index else 0
        return self.blob[start : self.ends[index]].tobytes().decode("utf-8", "surrogatepass")


@dataclasses.dataclass(frozen=True, eq=False)
class RecordColumns:
    """The fields of `N` records with `M` objects in all.

    Args:
        files: list of the paths of the files that hold the pictures.
        file_index: int32 `(N,)`, index of the record's file.
        offset, length: int64 `(N,)`, the bytes of the encoded picture in it.
        width, height: int32 `(N,)`, pixels.
        image_ids: `Texts` of `N` ids in JSON.
        names: `Texts` of `N` file names.
        object_ends: int64 `(N,)`, where each record's objects end in the following.
        boxes: float64 `(M, 4)`, `xywh` in pixels.
        classes: int32 `(M,)`.
        areas: float64 `(M,)`, square pixels.
        is_crowd: bool `(M,)`.
        image_label: int32 `(N,)`, class of the whole picture; -1 stands for none.
        annotation_ids, masks, attributes: `Texts` of `M` values in JSON; the empty string stands
            for no mask, and for no attributes.
    """

    files: list
    file_index: np.ndarray
    offset: np.ndarray
    length: np.ndarray
    width: np.ndarray
    height: np.ndarray
    image_ids: Texts
    names: Texts
    image_label: np.ndarray
    object_ends: np.ndarray
    boxes: np.ndarray
    classes: np.ndarray
    areas: np.ndarray
    is_crowd: np.ndarray
    annotation_ids: Texts
    masks: Texts
    attributes: Texts

    @classmethod
    def of(cls, records):
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

    def as_arrays(self):
        """All columns but `files` as a dictionary of arrays."""
        arrays = {}
        for field in dataclasses.fields(self)[1:]:
            value = getattr(self, field.name)
            if isinstance(value, Texts):
                arrays |= {f"{field.name}.blob": value.blob, f"{field.name}.ends": value.ends}
            else:
                arrays[field.name] = value
        return arrays

    @classmethod
    def from_arrays(cls, files, arrays):
        """The columns that `as_arrays` gave; a KeyError where one is missing."""
        values = {}
        for field in dataclasses.fields(cls)[1:]:
            if field.type is Texts:
                values[field.name] = Texts(
                    arrays[f"{field.name}.blob"], arrays[f"{field.name}.ends"]
                )
            else:
                values[field.name] = arrays[field.name]
        return cls(files, **values)


class ColumnRecords(collections.abc.Sequence):
    """A sequence of records that makes each one when it is asked for.

    Args:
        columns: `RecordColumns`.
    """

    def __init__(self, columns):
        self.columns = columns
        self._paths = [pathlib.Path(file) for file in columns.files]

    def with_classes(self, to_index):
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

    def __len__(self):
        return len(self.columns.file_index)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        index = range(len(self))[index]
        columns = self.columns
        start = int(columns.object_ends[index - 1]) if index else 0
        objects = slice(start, int(columns.object_ends[index]))
        length, label = int(columns.length[index]), int(columns.image_label[index])
        return Record(
            image_id=json.loads(columns.image_ids[index]),
            path=self._paths[columns.file_index[index]],
            width=int(columns.width[index]),
            height=int(columns.height[index]),
            boxes=columns.boxes[objects],
            classes=columns.classes[objects].astype("int64"),
            areas=columns.areas[objects],
            is_crowd=columns.is_crowd[objects],
            annotation_ids=_JsonParts(columns.annotation_ids, objects),
            masks=_JsonParts(columns.masks, objects),
            attributes=_JsonParts(columns.attributes, objects, {}),
            image_label=None if label < 0 else label,
            offset=int(columns.offset[index]),
            length=None if length < 0 else length,
            name=columns.names[index],
        )


def object_arrays(records):
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


def image_labels(records):
    """The classes of whole pictures, without a record being made where none need be.

    Args:
        records: sequence of `Record`.

    Returns:
        int32 `(N,)`, -1 where a record has none.
    """
    if isinstance(records, ColumnRecords):
        return records.columns.image_label
    return np.array([-1 if r.image_label is None else r.image_label for r in records], "int32")


class _JsonParts(collections.abc.Sequence):
    """A record's part of a column of JSON values, parsed when it is asked for."""

    def __init__(self, texts, part, empty=None):
        self._texts, self._part, self._empty = texts, range(part.start, part.stop), empty

    def __len__(self):
        return len(self._part)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        text = self._texts[self._part[index]]
        return json.loads(text) if text else self._empty


def _json(value):
    return json.dumps(value, default=_plain)


def _plain(value):
    """What pycocotools and NumPy put into masks and ids as what JSON can hold."""
    return value.decode("ascii") if isinstance(value, bytes) else value.tolist()
