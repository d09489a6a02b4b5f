"""The index of records whose pictures lie in shards: `write_index` and `read_index`.

A zip archive of `head.json` and an array for each column, uncompressed. The archive's comment is
the checksum of all of its entries; the entries have checksums of their own, which are compared
when they are read.
"""

import hashlib
import json
import os
import pathlib
import zipfile

import numpy as np
import pydantic

from keras_effspine.atomic_file import write_file
from keras_effspine.data.formats.file_names import leaves_folder
from keras_effspine.data.record import Problem, RecordSet
from keras_effspine.data.record_columns import ColumnRecords, RecordColumns
from keras_effspine.errors import DataError
from keras_effspine.validation import cut, in_words, reason

VERSION = 3
"""Whoever changes what an index holds raises the version."""

SUFFIX = ".index.npz"

_HEAD = "head.json"


class _Version(pydantic.BaseModel):
    version: int


class _Head(_Version):
    """What an index says besides the columns.

    Args:
        version: of the format.
        files: names of the shards, relative to the folder of the data set.
        sizes: their sizes in bytes.
        class_names, category_ids: as in `RecordSet`.
        problems: kind, place and action of each.
    """

    model_config = pydantic.ConfigDict(strict=True, defer_build=True)

    files: list[str]
    sizes: list[pydantic.NonNegativeInt]
    class_names: list[str]
    category_ids: list[int | str]
    problems: list[list[str]]

    @pydantic.model_validator(mode="after")
    def _fits(self) -> "_Head":
        for file in self.files:
            if not file or "\0" in file or leaves_folder(file):
                raise ValueError(f"the shard {cut(file)} leaves the folder")
        if len(self.files) != len(self.sizes):
            raise ValueError("files and sizes are not of one number")
        if len(self.class_names) != len(self.category_ids):
            raise ValueError("class_names and category_ids are not of one number")
        if any(len(problem) != 3 for problem in self.problems):
            raise ValueError("problems are not of three texts each")
        return self


def write_index(path: str | os.PathLike, record_set: RecordSet, folder: str | os.PathLike) -> None:
    """Writes the index, which appears whole or not at all.

    Args:
        path: path of the file.
        record_set: `RecordSet` whose pictures lie in files that are complete.
        folder: folder of the data set, in which all of these files are.

    Raises:
        DataError: a file is not in the folder, or a record holds what an index cannot.
    """
    write_columns(path, RecordColumns.of(record_set.records), record_set, folder)


def write_columns(
    path: str | os.PathLike,
    columns: RecordColumns,
    record_set: RecordSet,
    folder: str | os.PathLike,
) -> None:
    """Writes an index of `RecordColumns`; classes, format and split are those of `record_set`."""
    files = [pathlib.Path(file).absolute() for file in columns.files]
    try:
        head = _Head(
            version=VERSION,
            files=[file.relative_to(pathlib.Path(folder).absolute()).as_posix() for file in files],
            sizes=[file.stat().st_size for file in files],
            class_names=list(record_set.class_names),
            category_ids=list(record_set.category_ids),
            problems=[[p.kind, p.where, p.action] for p in record_set.problems],
        )
        columns.check(head.sizes, len(head.class_names))
    except ValueError as error:
        raise DataError(f"{path}: cannot be written ({_reason(error)}).") from error

    def save(target: pathlib.Path) -> None:
        with zipfile.ZipFile(target, "w") as archive:
            archive.writestr(_HEAD, json.dumps(head.model_dump()))
            for name, array in columns.as_arrays().items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                    np.lib.format.write_array(file, array, allow_pickle=False)
            archive.comment = _checksum(archive)

    write_file(path, save)


def read_index(
    path: str | os.PathLike, folder: str | os.PathLike, format: str, split: str | None
) -> RecordSet:
    """Reads an index and holds all of it against its schema.

    Args:
        path: path of the file.
        folder: folder of the data set, in which the files that it names are.
        format, split: what the `RecordSet` says of itself.

    Returns:
        `RecordSet` whose records are made when they are asked for.

    Raises:
        DataError: the index is missing, broken or of another version, or a file that it speaks of
            is missing or has not the size that it had.
    """
    path = pathlib.Path(path)
    again = "remove it and make it again"
    try:
        with zipfile.ZipFile(path) as archive:
            if not all(one.compress_type == zipfile.ZIP_STORED for one in archive.infolist()):
                raise ValueError("its entries are compressed")
            _check_version(path, archive, again)
            if archive.comment != _checksum(archive):
                raise ValueError("its checksum does not fit")
            head = _Head.model_validate(json.loads(archive.read(_HEAD)))
            files = [pathlib.Path(folder) / file for file in head.files]
            columns = RecordColumns.from_arrays(files, lambda name: _array(archive, name))
        columns.check(head.sizes, len(head.class_names))
    except DataError:
        raise
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}).") from error
    except Exception as error:  # zipfile and NumPy raise whatever broken bytes lead them to
        raise DataError(f"{path}: no whole index ({_reason(error)}); {again}.") from error
    for file, size in zip(files, head.sizes, strict=True):
        if not file.is_file():
            raise DataError(f"{path}: the shard {file} is missing; {again}.")
        if file.stat().st_size != size:
            raise DataError(
                f"{file}: has {file.stat().st_size} bytes where its index tells of {size}; it is "
                f"cut short or changed: write the data set again."
            )
    return RecordSet(
        records=ColumnRecords(columns),
        class_names=tuple(head.class_names),
        category_ids=tuple(head.category_ids),
        source=str(folder),
        problems=tuple(Problem(*one) for one in head.problems),
        format=format,
        split=split,
    )


def _check_version(path: pathlib.Path, archive: zipfile.ZipFile, again: str) -> None:
    if _HEAD in archive.namelist():
        version: int | None = _Version.model_validate(json.loads(archive.read(_HEAD))).version
    else:
        version = 2 if "head.npy" in archive.namelist() else None
    if version != VERSION:
        raise DataError(
            f"{path}: an index of version {version or 'unknown'}; this package reads version "
            f"{VERSION}: {again}."
        )


def _checksum(archive: zipfile.ZipFile) -> bytes:
    entries = [(one.filename, one.file_size, one.CRC) for one in archive.infolist()]
    return hashlib.sha256(repr(entries).encode("utf-8", "replace")).hexdigest().encode()


def _array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    with archive.open(f"{name}.npy") as file:
        array = np.lib.format.read_array(file, allow_pickle=False)
        if file.read(1):  # at the end the checksum is compared
            raise ValueError(f"{name}: more bytes than the array has")
    return array


def _reason(error: Exception) -> str:
    return in_words(error) if isinstance(error, pydantic.ValidationError) else reason(error)
