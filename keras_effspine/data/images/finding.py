"""One way to find pictures, and the files that speak of them, in a folder: `find_files`."""

import dataclasses
import os
import pathlib

from PIL import features

from keras_effspine.data.record import LEFT_OUT, Problem

_CODECS = {".webp": "webp", ".avif": "avif"}
"""What Pillow reads only where it was built with it."""

IMAGE_SUFFIXES = tuple(
    suffix
    for suffix in (
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif"),
        *(".webp", ".tif", ".tiff", ".avif"),
    )
    if suffix not in _CODECS or features.check(_CODECS[suffix])
)
"""Suffixes, in lower case, of the files that are taken for pictures where a folder is searched."""

_UNREAD = {
    *(".arw", ".cr2", ".dcm", ".dng", ".exr", ".hdr", ".heic", ".heif", ".jp2", ".jxl", ".nef"),
    *(".pgm", ".ppm", ".psd", ".raw", ".svg", ".tga"),
    *(_CODECS.keys() - set(IMAGE_SUFFIXES)),
}
"""Suffixes of pictures that are named as left out rather than passed over."""

_HIDDEN_FOLDERS = {"__macosx", "@eadir", "$recycle.bin", "system volume information"}


@dataclasses.dataclass(frozen=True)
class FoundFiles:
    """What a folder and the folders in it hold.

    Args:
        paths: list of `pathlib.Path`, sorted by the names along each path.
        problems: list of `Problem`: pictures and folders that were left out, and why.
    """

    paths: list[pathlib.Path]
    problems: list[Problem]


def find_files(
    folder: str | os.PathLike, suffixes: tuple[str, ...] = IMAGE_SUFFIXES, deep: bool = True
) -> FoundFiles:
    """Finds the files of some suffixes, in lower or upper case, in a folder and those inside of it.

    Links are followed, and each folder is searched once, by its own name before that of a link:
    no loop of links is endless. Hidden files and folders, such as macOS, Jupyter and network disks
    put beside pictures (`._a.jpg`, `.ipynb_checkpoints`, `__MACOSX`), are left out and named.

    Args:
        folder: the folder; one that cannot be read is a problem of the result.
        suffixes: tuple of suffixes in lower case.
        deep: whether the folders inside are searched as well.

    Returns:
        `FoundFiles`.
    """
    found: list[str] = []
    problems: list[Problem] = []
    searched: set[tuple[int, int]] = set()
    folders: list[str] = [os.fspath(folder)]
    links: list[str] = []
    while folders or links:
        place = folders.pop() if folders else links.pop()
        try:
            status = os.stat(place)
            if (status.st_dev, status.st_ino) in searched:
                problems.append(Problem("link to a folder that is searched", place, LEFT_OUT))
                continue
            searched.add((status.st_dev, status.st_ino))
            with os.scandir(place) as entries:
                for entry in entries:
                    kind = _kind(entry, suffixes)
                    if kind == "folder":
                        if deep:
                            (links if entry.is_symlink() else folders).append(entry.path)
                    elif kind == "file":
                        found.append(entry.path)
                    elif kind:
                        problems.append(Problem(kind, entry.path, LEFT_OUT))
        except (OSError, ValueError):
            problems.append(Problem("folder cannot be read", place, "skipped"))
    found.sort(key=lambda path: path.split(os.sep))
    problems.sort(key=lambda problem: (problem.kind, problem.where))
    return FoundFiles([pathlib.Path(path) for path in found], problems)


def visible_folders(folder: str | os.PathLike) -> list[pathlib.Path]:
    """The folders inside of a folder that are not hidden, by name; `[]` where there is none."""
    try:
        with os.scandir(os.fspath(folder)) as entries:
            names = [e.name for e in entries if not is_hidden_folder(e.name) and e.is_dir()]
    except (OSError, ValueError):
        return []
    return [pathlib.Path(folder, name) for name in sorted(names)]


def is_hidden_folder(name: str) -> bool:
    """Whether a folder of this name is none of the user's own."""
    return name.startswith(".") or name.lower() in _HIDDEN_FOLDERS


def _kind(entry, suffixes):
    """`"folder"`, `"file"`, why it is left out, or None where it is nothing that is looked for."""
    suffix = os.path.splitext(entry.name)[1].lower()
    if suffix in suffixes:
        if entry.is_file():
            return "hidden file" if entry.name.startswith(".") else "file"
        if not entry.is_dir():
            return "link that leads nowhere"
    if entry.is_dir():
        return "hidden folder" if is_hidden_folder(entry.name) else "folder"
    if suffix in _UNREAD and suffixes == IMAGE_SUFFIXES:
        return f"picture of a kind that is not read ({suffix})"
    return None
