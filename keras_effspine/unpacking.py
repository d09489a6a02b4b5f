"""Archives unpacked with suspicion: whoever made one may be a stranger."""

import os
import pathlib
import re
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
"""Endings, in lower case, of the names of archives."""

_PIECE = 2**20
_MOST_FILES = 5_000_000
_IS_UTF8 = 0x800
_BROKEN = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError),
    *(NotImplementedError, RuntimeError, UnicodeError),
)
"""What the libraries raise of archives that are damaged, encrypted or of an unknown kind."""


class ArchiveError(ValueError):
    """An archive that is not unpacked; says why, without its name."""


def is_archive(path: str | os.PathLike) -> bool:
    """Whether a path is that of a file whose name is an archive's."""
    return os.fspath(path).lower().endswith(SUFFIXES) and os.path.isfile(path)


def unpack(archive: str | os.PathLike, folder: pathlib.Path, largest: int) -> None:
    """Unpacks a ZIP or tar archive of plain files with relative names.

    Args:
        archive: path of the archive.
        folder: an empty folder. What was unpacked before an error stays in it.
        largest: number of bytes that the files may have together.

    Raises:
        ArchiveError: if it is broken, or holds more, links, or names that lead out of the folder.
        OSError: if it cannot be read, or the folder cannot be written.
    """
    is_zip = os.fspath(archive).lower().endswith(".zip")
    opened = _zip_members if is_zip else _tar_members
    total = count = 0
    try:
        for name, size, source in opened(archive):
            total, count = total + size, count + 1
            if total > largest or count > _MOST_FILES:
                most = f"{largest:,} bytes" if total > largest else f"{_MOST_FILES:,} files"
                raise ArchiveError(f"unpacks to more than {most}")
            target = folder / _checked(name)
            target.parent.mkdir(parents=True, exist_ok=True)
            # Both kinds end a member at its announced size.
            with source, open(target, "xb") as copy:
                shutil.copyfileobj(source, copy, _PIECE)
    except FileExistsError as error:
        raise ArchiveError(f"holds {name!r} twice") from error
    except _BROKEN as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise ArchiveError(f"no archive that can be unpacked ({reason})") from error


def _zip_members(archive: str | os.PathLike) -> Iterator[tuple[str, int, IO[bytes]]]:
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            if member.is_dir():
                continue
            name = _decoded(member)
            if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
                raise ArchiveError(f"its {name!r} is no plain file")
            yield name, member.file_size, opened.open(member)


def _decoded(member: zipfile.ZipInfo) -> str:
    """A name, which macOS and others write in UTF-8 without saying so."""
    if not member.flag_bits & _IS_UTF8:
        try:
            return member.filename.encode("cp437").decode("utf-8")
        except UnicodeError:
            pass
    return member.filename


def _tar_members(archive: str | os.PathLike) -> Iterator[tuple[str, int, IO[bytes]]]:
    with tarfile.open(archive) as opened:
        for member in opened:
            if member.isdir():
                continue
            source = opened.extractfile(member) if member.isreg() else None
            if source is None or member.issparse():
                raise ArchiveError(f"its {member.name!r} is no plain file")
            yield member.name, member.size, source


def _checked(name: str) -> pathlib.PurePosixPath:
    # Some archives of Windows part folders with backslashes.
    path = pathlib.PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or re.match("[A-Za-z]:", name) or not path.name:
        raise ArchiveError(f"its {name!r} leaves its folder")
    return path
