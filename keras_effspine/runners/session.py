"""What the runtimes of all formats have in common."""

import contextlib
from collections.abc import Iterator
from typing import Protocol

import numpy as np

from keras_effspine.errors import ModelFileError
from keras_effspine.runners.metadata import Metadata


class Session(Protocol):
    """A model that is loaded into its runtime."""

    metadata: Metadata

    def run(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """The outputs by name for a batch `(batch, height, width, 3)` of the size it takes."""
        ...


@contextlib.contextmanager
def needs_runtime(package: str) -> Iterator[None]:
    """Says which extra to install where a runtime is missing."""
    try:
        yield
    except ImportError as error:
        raise ModelFileError(
            f"This format needs the runtime {package}: pip install 'keras-effspine[{package}]'."
        ) from error


def first_line(error: Exception) -> str:
    """What an error says, on one line and not longer than one."""
    return (str(error).strip() or repr(error)).partition("\n")[0][:300]
