"""The SHA-256 by which a file is known."""

import hashlib
import os

from keras_effspine.errors import PresetError


def sha256_of(file: str | os.PathLike) -> str:
    """SHA-256 of a file in hexadecimal digits.

    Raises:
        PresetError: if it cannot be read.
    """
    try:
        with open(file, "rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise PresetError(f"{file}: cannot be read ({error}).") from error
