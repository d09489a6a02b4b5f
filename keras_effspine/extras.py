"""Packages that not everyone needs, and so are installed on demand."""

import contextlib
from collections.abc import Iterator

from keras_effspine.errors import MissingPackageError


@contextlib.contextmanager
def needs_extra(extra: str) -> Iterator[None]:
    """Says which extra to install where a package is missing that is imported within.

    Raises:
        MissingPackageError: if it is.
    """
    try:
        yield
    except ImportError as error:
        raise MissingPackageError(
            f"This needs {error.name or 'a package'}, which is not installed: "
            f"pip install 'keras-effspine[{extra}]'."
        ) from error
