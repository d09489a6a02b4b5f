"""Loading TensorFlow without its log on the terminal."""

import contextlib
import os
import pathlib
from collections.abc import Iterator


@contextlib.contextmanager
def without_logs() -> Iterator[None]:
    """Standard error leads nowhere: libraries log there what no user can act upon.

    Python's exceptions are raised afterwards and are seen.
    """
    terminal = os.dup(2)
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)


def load_tensorflow() -> None:
    """Imports TensorFlow; what its libraries log meanwhile, on every start, is not shown.

    Some of it is written before TensorFlow looks at `TF_CPP_MIN_LOG_LEVEL`.
    """
    # Both must be set before TensorFlow loads, and only a program may set them, not a library.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with without_logs():
        import tensorflow  # noqa: F401


def load_tensorflow_for(*named: str | None) -> None:
    """Loads TensorFlow, quietly, where a format needs it."""
    for name in filter(None, named):
        if name.startswith("tfds:") or name == "tfrecord":
            load_tensorflow()
        elif all(any(pathlib.Path(name).glob(f)) for f in ("classes.txt", "*.tfrecord")):
            load_tensorflow()
        elif (pathlib.Path(name) / "dataset_info.json").is_file():
            load_tensorflow()
