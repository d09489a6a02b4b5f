"""The index of records whose pictures lie in shards: `write_index` and `read_index`."""

import json
import pathlib
import zipfile

import numpy as np

from keras_effspine.atomic_file import write_file
from keras_effspine.data.formats.file_names import leaves_folder
from keras_effspine.data.record import Problem, RecordSet
from keras_effspine.data.record_columns import ColumnRecords, RecordColumns
from keras_effspine.errors import DataError

VERSION = 2
"""Whoever changes what an index holds raises the version."""

SUFFIX = ".index.npz"


def write_index(path, record_set):
    """Writes the index, which appears whole or not at all.

    Args:
        path: path of the file.
        record_set: `RecordSet` whose pictures lie in files that are complete; files inside of the
            index's folder are kept relative to it.
    """
    columns = RecordColumns.of(record_set.records)
    write_columns(path, columns, record_set)


def write_columns(path, columns, record_set):
    """Writes an index of `RecordColumns`; classes, format and split are those of `record_set`."""
    path = pathlib.Path(path)
    folder = path.parent.absolute()
    files = [pathlib.Path(file).absolute() for file in columns.files]
    head = {
        "version": VERSION,
        "files": [str(f.relative_to(folder) if f.is_relative_to(folder) else f) for f in files],
        "sizes": [file.stat().st_size for file in files],
        "class_names": list(record_set.class_names),
        "category_ids": list(record_set.category_ids),
        "problems": [[p.kind, p.where, p.action] for p in record_set.problems],
    }
    head = np.frombuffer(json.dumps(head).encode(), "uint8")
    arrays = columns.as_arrays()

    def save(target):
        with open(target, "wb") as file:
            np.savez(file, head=head, **arrays)

    write_file(path, save)


def read_index(path, format, split):
    """Reads an index.

    Args:
        path: path of the file.
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
        with np.load(path, allow_pickle=False) as arrays:
            head = json.loads(arrays["head"].tobytes())
            if head["version"] != VERSION:
                raise DataError(
                    f"{path}: an index of version {head['version']}; this package reads version "
                    f"{VERSION}: {again}."
                )
            for file in head["files"]:
                # The index of foreign shards, in the cache, names them by their absolute path.
                if leaves_folder(file) and not pathlib.Path(file).is_absolute():
                    raise DataError(f"{path}: the shard {file} leaves the folder; {again}.")
            files = [path.parent / file for file in head["files"]]
            columns = RecordColumns.from_arrays(files, arrays)
    except DataError:
        raise
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error}).") from error
    except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: no whole index ({error}); {again}.") from error
    for file, size in zip(files, head["sizes"], strict=True):
        if not file.is_file():
            raise DataError(f"{path}: the shard {file} is missing; {again}.")
        if file.stat().st_size != size:
            raise DataError(
                f"{file}: has {file.stat().st_size} bytes where its index tells of {size}; it is "
                f"cut short or changed: write the data set again."
            )
    return RecordSet(
        records=ColumnRecords(columns),
        class_names=tuple(head["class_names"]),
        category_ids=tuple(head["category_ids"]),
        source=str(path.parent),
        problems=tuple(Problem(*one) for one in head["problems"]),
        format=format,
        split=split,
    )
