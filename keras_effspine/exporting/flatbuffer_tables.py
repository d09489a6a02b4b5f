"""Flatbuffers without code that was generated for their schema."""

import dataclasses
from collections.abc import Mapping, Sequence

import flatbuffers


@dataclasses.dataclass(frozen=True)
class Byte:
    """A field of the schema's type `byte`, such as an enumeration's or a union's type."""

    value: int


@dataclasses.dataclass(frozen=True)
class Number:
    """A field of the schema's type `uint`."""

    value: int


class FlatbufferTables:
    """Makes tables from their fields by number; whole numbers are offsets of what was made before.

    A field's number is its place in the schema, where that of a union counts twice.
    """

    def __init__(self) -> None:
        self._builder = flatbuffers.Builder(1024)

    def text(self, value: str) -> int:
        """A string."""
        return self._builder.CreateString(value)

    def vector(self, offsets: Sequence[int]) -> int:
        """A vector of tables."""
        self._builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self._builder.PrependUOffsetTRelative(offset)
        return self._builder.EndVector()

    def numbers(self, values: Sequence[float]) -> int:
        """A vector of floats."""
        self._builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            self._builder.PrependFloat32(value)
        return self._builder.EndVector()

    def table(self, fields: Mapping[int, int | Byte | Number]) -> int:
        """A table."""
        self._builder.StartObject(max(fields) + 1)
        for number, value in fields.items():
            if isinstance(value, Byte):
                self._builder.PrependInt8Slot(number, value.value, 0)
            elif isinstance(value, Number):
                self._builder.PrependUint32Slot(number, value.value, 0)
            else:
                self._builder.PrependUOffsetTRelativeSlot(number, value, 0)
        return self._builder.EndObject()

    def finished(self, root: int, identifier: bytes) -> bytes:
        """The buffer whose root is this table."""
        self._builder.Finish(root, file_identifier=identifier)
        return bytes(self._builder.Output())
