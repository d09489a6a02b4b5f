"""Writing files and folders so that one which is there is whole.

What is being written lies beside its target as `.<32 hex digits>.part`, with a lock beside it that
the writer holds. The system lets go of the lock of a process that was killed, and so the next
writer in that folder knows what to remove.
"""

import contextlib
import errno
import functools
import os
import pathlib
import re
import shutil
import uuid
from collections.abc import Callable, Iterator

import filelock

from keras_effspine.errors import RunFolderError

_LOCK = re.compile(r"(\.[0-9a-f]{32}\.part)\.lock")


def remove_unfinished(folder: str | os.PathLike) -> None:
    """Removes what writers that were killed have left in a folder, and nothing of those at work."""
    folder = pathlib.Path(folder)
    for lock in folder.glob(".*.part.lock"):
        found = _LOCK.fullmatch(lock.name)
        # A writer at work has the lock, and a folder that may only be read stays as it is.
        with contextlib.suppress(OSError):
            if found and lock.is_file():
                with filelock.FileLock(lock, timeout=0):
                    for part in folder.glob(f"{found[1]}*"):
                        _remove(part)


def write_file(target: str | os.PathLike, save: Callable[[pathlib.Path], object]) -> None:
    """Writes beside the target and then moves the finished file there.

    Args:
        target: path of the file.
        save: function that is given a path with the target's suffix and writes the file there.

    Raises:
        RunFolderError: if the file cannot be written.
    """
    target = pathlib.Path(target)
    try:
        # The suffix is kept: Keras and Pillow choose the format by it.
        with _unfinished(target, target.suffix) as part:
            save(part)
            os.replace(part, target)
    except OSError as error:
        reason = error.strerror or error
        raise RunFolderError(f"{target}: cannot be written ({reason}).") from error


@contextlib.contextmanager
def whole_folder(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    """A folder to fill, which gets its name when the context ends without an error.

    Args:
        folder: absolute `pathlib.Path` of the folder; it may exist if it is empty.

    Yields:
        `pathlib.Path` of the folder to fill, beside it.

    Raises:
        OSError: if it cannot be made, or the name is taken by then.
    """
    with _unfinished(folder) as part:
        part.mkdir()
        yield part
        part.rename(folder)


@contextlib.contextmanager
def _unfinished(target: pathlib.Path, suffix: str = "") -> Iterator[pathlib.Path]:
    """A path beside the target at which nothing is left when the context ends."""
    if "\0" in str(target):
        raise OSError(errno.EINVAL, "a path cannot hold the character NUL")
    folder = target.parent
    folder.mkdir(parents=True, exist_ok=True)
    _remove_unfinished_once(folder)
    name = f".{uuid.uuid4().hex}.part"
    part, lock = folder / f"{name}{suffix}", folder / f"{name}.lock"
    with filelock.FileLock(lock):
        try:
            yield part
        finally:
            _remove(part)
            _remove(lock)


@functools.lru_cache(maxsize=256)
def _remove_unfinished_once(folder: pathlib.Path) -> None:
    """So that a process that writes many files into a folder looks through it once."""
    remove_unfinished(folder)


def _remove(path: pathlib.Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
