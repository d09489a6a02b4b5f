"""Archives as data: each is unpacked once, into the cache."""

import functools
import hashlib
import os
import pathlib
import shutil
import sys

from keras_effspine.atomic_file import whole_folder
from keras_effspine.cache_folder import cache_folder
from keras_effspine.errors import DataError
from keras_effspine.unpacking import ArchiveError, unpack

_SMALLEST_LIMIT, _MOST_TIMES = 2**30, 100
"""Bytes that every archive may unpack to, and how many times its own size a larger one may:
pictures do not shrink further, what does is made to fill disks."""


def unpacked(archive: str | os.PathLike) -> pathlib.Path:
    """The folder that an archive unpacks to, in the cache, where it appears whole or not at all.

    Its content is its name there: an archive that was changed is unpacked anew, and a copy is not.

    Args:
        archive: path of a ZIP or tar archive.

    Raises:
        DataError: if it cannot be read or unpacked, there is no room for it, or it holds what must
            not be unpacked; see `unpacking.unpack`.
    """
    try:
        found = os.stat(archive)
        digest = _digest(os.path.abspath(archive), found.st_size, found.st_mtime_ns)
    except OSError as error:
        raise DataError(f"{archive}: cannot be read ({error.strerror or error}).") from error
    folder = cache_folder().absolute() / "unpacked" / digest
    if folder.is_dir():
        return folder
    print(f"Unpacking {archive} into {folder.parent}, once.", file=sys.stderr)
    try:
        with whole_folder(folder) as part:
            free = shutil.disk_usage(part).free
            limit = max(_SMALLEST_LIMIT, _MOST_TIMES * found.st_size)
            try:
                unpack(archive, part, min(limit, free))
            except ArchiveError as error:
                lacks = f"; {folder.parent} has room for no more" * (free < limit)
                lacks = lacks if "more than" in str(error) else ""
                raise DataError(f"{archive}: {error}{lacks}. Unpack it by hand.") from error
    except OSError as error:
        if not folder.is_dir():  # another process may have been faster
            raise DataError(
                f"{folder}: {archive} cannot be unpacked there ({error.strerror or error}); set "
                "EFFSPINE_CACHE to a folder that can be written, or unpack it by hand."
            ) from error
    return folder


@functools.lru_cache(maxsize=64)
def _digest(path: str, size: int, changed: int) -> str:
    """SHA-256 of a file, computed once for a file of this size and time."""
    with open(path, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
