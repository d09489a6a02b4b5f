"""A disk that is full for a while, as far as this process is concerned."""

import contextlib
import resource


@contextlib.contextmanager
def full_disk(most=65_536):
    """No file grows beyond this many bytes; the system says so as it says that a disk is full.

    Python has set aside the signal that would end the process.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
