"""Presets of the package whose weights are too large for a wheel: one archive, by its SHA-256."""

import os
import pathlib
import zipfile
from collections.abc import Sequence

from keras_effspine.atomic_file import write_file
from keras_effspine.errors import PresetError
from keras_effspine.pretrained.archive import fetch_files
from keras_effspine.pretrained.checksum import sha256_of
from keras_effspine.pretrained.preset import Preset, read_json, read_preset

ADDRESS = "EFFSPINE_PRESET_ARCHIVE"
"""Environment variable: where the archive lies, an address or the path of a file."""

REGISTRY = "archive.json"
"""The file beside the presets' folders that names the archive: `"file"`, `"sha256"`, and
`"address"`, from which it is fetched where the environment says nothing; null for none."""

_DATE = (1980, 1, 1, 0, 0, 0)
"""ZIP's first day: an archive of the same presets has the same SHA-256 whenever it is made."""


def fetch_shipped(preset: Preset) -> pathlib.Path:
    """The folder of a preset of the package with its weights, fetched where they are not there.

    The archive is fetched once for all presets in it, compared with the SHA-256 that the package
    names, and kept in the cache.

    Args:
        preset: `Preset` of the package.

    Raises:
        PresetError: if the archive's address is not known, it cannot be fetched or is another one,
            or lacks the preset.
    """
    if preset.weights is None or (preset.folder / preset.weights).is_file():
        return preset.folder
    file = preset.folder.parent / REGISTRY
    known = read_json(file)
    try:
        name, digest = known["file"], known["sha256"]
    except KeyError as error:
        raise PresetError(f"{file}: names no {error} of the archive.") from error
    address = os.environ.get(ADDRESS) or known.get("address")
    if not address:
        raise PresetError(
            f"{preset.name}: its weights are not part of the installation; they lie in {name} "
            f"(SHA-256 {digest}), a file of the release. Put its address, or the path of a copy, "
            f"into the environment variable {ADDRESS}."
        )
    if "://" not in address:
        address = pathlib.Path(address).absolute().as_uri()
    folder = fetch_files(address, digest) / preset.name
    if not (folder / preset.weights).is_file():
        raise PresetError(f"{address}: holds no preset {preset.name} with {preset.weights}.")
    return folder


def pack_presets(folders: Sequence[str | os.PathLike], out: str | os.PathLike) -> str:
    """Writes a ZIP archive of preset folders, each under its name.

    Args:
        folders: paths of preset folders.
        out: path of the archive.

    Returns:
        SHA-256 of the archive in hexadecimal digits, by which it is fetched:
        `https://host/file.zip#sha256=HEX`.

    Raises:
        PresetError: if one is no preset folder, or two have one name.
        RunFolderError: if the archive cannot be written.
    """
    presets = [read_preset(folder) for folder in folders]
    names = [preset.name for preset in presets]
    if not names or len(set(names)) < len(names):
        raise PresetError(f"An archive holds presets of different names, not {names}.")

    def write(target: pathlib.Path) -> None:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for preset in sorted(presets, key=lambda preset: preset.name):
                for file in sorted(path for path in preset.folder.iterdir() if path.is_file()):
                    member = zipfile.ZipInfo(f"{preset.name}/{file.name}", _DATE)
                    member.external_attr = 0o100644 << 16
                    member.compress_type = zipfile.ZIP_DEFLATED
                    archive.writestr(member, file.read_bytes())

    write_file(out, write)
    return sha256_of(out)
