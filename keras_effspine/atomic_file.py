"""Writing files and folders so that one which is there is whole."""

import contextlib
import os
import pathlib
import shutil
import uuid

from keras_effspine.errors import RunFolderError

_UNFINISHED = ".unfinished-"


def remove_unfinished(folder):
    """Removes what writers that were killed have left in a folder that nobody else writes to."""
    for file in pathlib.Path(folder).glob(f"{_UNFINISHED}*"):
        file.unlink()


def write_file(target, save):
    """Writes beside the target and then moves the finished file there.

    Args:
        target: path of the file.
        save: function that is given a path with the target's suffix and writes the file there.

    Raises:
        RunFolderError: if the file cannot be written.
    """
    target = pathlib.Path(target)
    # The suffix is kept: Keras and Pillow choose the format by it.
    unfinished = target.with_name(f"{_UNFINISHED}{os.getpid()}-{target.name}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            save(unfinished)
            os.replace(unfinished, target)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise RunFolderError(f"{target}: cannot be written ({error}).") from error


@contextlib.contextmanager
def whole_folder(folder):
    """A folder to fill, which gets its name when the context ends without an error.

    Args:
        folder: absolute `pathlib.Path` of the folder; it may exist if it is empty.

    Yields:
        `pathlib.Path` of the folder to fill, beside it.

    Raises:
        OSError: if it cannot be made, or the name is taken by then.
    """
    part = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}.part")
    try:
        part.mkdir(parents=True)
        yield part
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
