"""File names as annotations give them."""

import os
import pathlib

from keras_effspine.data.record import Record
from keras_effspine.errors import DataError


def leaves_folder(file_name: str | os.PathLike) -> bool:
    """Whether a relative file name, or an absolute one, leads out of the folder it stands for."""
    # Windows' reading knows both kinds of slash, so a file is judged the same on every system.
    path = pathlib.PureWindowsPath(file_name)
    return bool(path.drive or path.root or ".." in path.parts)


def name_inside(record: Record) -> str | None:
    """The `name` of a record, or None; what stands in shards is not trusted to be a mere name.

    Raises:
        DataError: it leads out of the folder into which it is written.
    """
    if record.name is not None and (leaves_folder(record.name) or "\0" in record.name):
        raise DataError(
            f"Image {record.image_id!r} of {record.path}: its file name {record.name!r} leaves the "
            "folder it is written to; make the shards again with another name."
        )
    return record.name
