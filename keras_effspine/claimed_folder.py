"""A folder that one process at a time works in."""

import contextlib
import os
import pathlib
from collections.abc import Collection, Iterator

import filelock

from keras_effspine.errors import RunFolderError


@contextlib.contextmanager
def claimed_folder(
    path: str | os.PathLike,
    mark: str,
    thing: str,
    working: str,
    besides: Collection[str] = (),
) -> Iterator[pathlib.Path]:
    """Takes a folder for this process: new, empty, or with unfinished work of the same kind.

    Other processes are kept out as long as the context lasts; a process that is killed lets go.

    Args:
        path: path of the folder, made if it does not exist.
        mark: name of the file by which a folder with such work is known.
        thing: what the folder holds, for messages: "run", "search".
        working: what a process does in it, for messages: "training", "searching".
        besides: names of files that may be there before such work has begun.

    Yields:
        The folder.

    Raises:
        RunFolderError: if another process has the folder, it holds something else, or it cannot be
            written.
    """
    folder = pathlib.Path(path)
    lock = filelock.FileLock(folder / ".lock", timeout=0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        begun = (folder / mark).exists()
        names = {file.name for file in folder.iterdir() if not file.name.startswith(".")}
        if not begun and names - set(besides):
            raise RunFolderError(
                f"{path}: the folder is not empty and holds no {thing} to go on with; name "
                "another one with --out."
            )
        lock.acquire()
    except filelock.Timeout as error:
        raise RunFolderError(
            f"{path}: another process is {working} in this folder; wait for it, or name another "
            "folder with --out."
        ) from error
    except RunFolderError:  # which is an OSError, too
        raise
    except OSError as error:
        raise RunFolderError(f"{path}: the {thing} folder cannot be written ({error}).") from error
    try:
        yield folder
    finally:
        lock.release()
