"""Preset folders from the web, as ZIP archives whose SHA-256 is known."""

import http.client
import os
import pathlib
import re
import urllib.error
import urllib.request

from keras_effspine.atomic_file import whole_folder
from keras_effspine.cache_folder import cache_folder
from keras_effspine.errors import PresetError
from keras_effspine.pretrained.checksum import sha256_of
from keras_effspine.unpacking import ArchiveError, unpack

LARGEST = 4 * 2**30
"""Bytes. Neither a download nor its content may be larger."""

_PIECE = 2**20
_SECONDS = 30


def fetch_archive(address: str) -> pathlib.Path:
    """The preset folder of a ZIP archive, from the cache, or downloaded into it.

    The archive is compared with its SHA-256 and unpacked in a folder that gets its name when it is
    whole; what a download that was killed has left, the next one removes. The SHA-256 is the name:
    an archive that was unpacked once needs no network any more.

    Args:
        address: `https://host/file.zip#sha256=HEX`. `http://` is accepted too, since the SHA-256
            vouches for what comes.

    Returns:
        `pathlib.Path` of the folder that holds `config.json`.

    Raises:
        PresetError: if the address has no SHA-256, the download ends early or differs from it, or
            the archive holds no preset, or files that must not be unpacked.
    """
    url, _, fragment = address.partition("#")
    found = re.fullmatch(r"sha256=([0-9a-f]{64})", fragment, re.IGNORECASE)
    if not found:
        raise PresetError(
            f"{address}: say what is to come: end the address in #sha256= and the archive's "
            "SHA-256, 64 hexadecimal digits (sha256sum FILE prints it)."
        )
    return _root(url, fetch_files(url, found[1]))


def fetch_files(url: str, digest: str) -> pathlib.Path:
    """The folder that an archive unpacks to, from the cache, or downloaded into it.

    Args:
        url: where the archive lies.
        digest: its SHA-256 in hexadecimal digits.

    Raises:
        PresetError: as `fetch_archive`.
    """
    digest = digest.lower()
    folder = cache_folder().absolute() / "presets" / digest
    if not folder.is_dir():
        try:
            with whole_folder(folder) as unpacked:
                file = unpacked / f"{digest}.zip"
                _download(url, file, digest)
                unpack(file, unpacked, LARGEST)
                file.unlink()
        except PresetError:
            raise
        except ArchiveError as error:
            raise PresetError(f"{url}: {error}.") from error
        except OSError as error:
            if not folder.is_dir():  # another process may have been faster
                raise PresetError(f"{folder}: cannot be written ({error}).") from error
    return folder


def _download(url: str, file: pathlib.Path, digest: str) -> None:
    """Writes what an address answers to a file and compares it with its SHA-256."""
    size = 0
    try:
        with urllib.request.urlopen(url, timeout=_SECONDS) as answer, open(file, "wb") as target:
            announced = answer.headers.get("Content-Length")
            while piece := answer.read(_PIECE):
                size += len(piece)
                if size > LARGEST:
                    raise PresetError(f"{url}: larger than {LARGEST:,} bytes.")
                target.write(piece)
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError) as error:
        raise PresetError(f"{url}: cannot be downloaded ({error}).") from error
    except ConnectionError as error:
        raise PresetError(f"{url}: the download broke off after {size:,} bytes.") from error
    if announced is not None and size != int(announced):
        raise PresetError(
            f"{url}: the download broke off after {size:,} of {int(announced):,} bytes. Try again."
        )
    found = sha256_of(file)
    if found != digest:
        raise PresetError(
            f"{url}: is not the file that was meant: its SHA-256 is {found}, not {digest}."
        )


def _root(url: str, folder: pathlib.Path) -> pathlib.Path:
    """The folder of the preset: the archive's own, or the only one in it."""
    for path in (folder, *sorted(p for p in folder.iterdir() if p.is_dir())):
        if (path / "config.json").is_file():
            return path
    raise PresetError(f"{url}: the archive holds no preset: no config.json in {os.fspath(folder)}.")
