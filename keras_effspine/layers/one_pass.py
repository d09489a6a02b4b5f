"""Element-wise chains as one pass over memory, compiled where that is known to pay."""

import functools
from collections.abc import Callable

import keras


def runs_on_one_cpu() -> bool:
    """Whether the code is being run or traced by TensorFlow for a single CPU."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    strategy = tf.distribute.get_strategy()
    alone = not tf.distribute.has_strategy() or isinstance(
        strategy, tf.distribute.OneDeviceStrategy
    )
    return alone and not tf.config.get_visible_devices("GPU")


def one_pass(function: Callable) -> Callable:
    """Lets XLA compile a function of tensors on one CPU; elsewhere it runs as it is written.

    TensorFlow's CPU kernels write each intermediate result of an element-wise chain to memory, and
    memory is what such chains wait for. XLA keeps them in registers. It is used for nothing else:
    its convolutions and its reductions to few numbers are slower here than TensorFlow's.

    Tensors of unknown size, but for the batch's, run as written too: each size would be compiled.

    Args:
        function: of tensors.
    """

    @functools.cache
    def compiled():
        import tensorflow as tf

        return tf.function(function, jit_compile=True)

    @functools.wraps(function)
    def call(*args):
        known = all(None not in tensor.shape[1:] for tensor in args)
        return compiled()(*args) if known and runs_on_one_cpu() else function(*args)

    return call
