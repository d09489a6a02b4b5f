"""Freeing what TensorFlow keeps of the graphs of a model that is gone."""

import contextlib
from collections.abc import Iterator


@contextlib.contextmanager
def forgotten_traces() -> Iterator[None]:
    """Frees at its end what Keras and TensorFlow keep of the models that were made within.

    `tf.custom_gradient` registers a function for each of its calls in a graph, for good, and that
    function holds the graph: half a gigabyte a candidate. (The first graph that meets a shape stays
    all the same, through the cached trace of `one_pass`.)
    """
    import keras

    before = set(_registered())
    try:
        yield
    finally:
        registered = _registered()
        for name in set(registered) - before:
            del registered[name]
        keras.backend.clear_session(free_memory=True)


def _registered() -> dict[str, object]:
    """TensorFlow's gradients by name; nothing where it keeps them elsewhere."""
    from tensorflow.python.framework import ops

    return getattr(getattr(ops, "gradient_registry", None), "_registry", {})
