"""Ending in order when the system asks for it."""

import contextlib
import signal
import threading
from collections.abc import Iterator

import keras
import tensorflow as tf


@contextlib.contextmanager
def termination_as_interrupt() -> Iterator[None]:
    """Within it SIGTERM raises KeyboardInterrupt, as Ctrl-C does.

    Machines that are taken back (preemptible ones, a cluster's queue, `docker stop`) announce it
    with SIGTERM some seconds before. Python handles signals in its main thread alone; elsewhere
    nothing is changed.
    """

    def interrupt(number, frame):
        raise KeyboardInterrupt

    with _handling(interrupt, signal.SIGTERM):
        yield


class StopTogether(keras.callbacks.Callback):
    """Ends training in all workers after the same step, where one of them is asked to stop.

    A worker that stopped by itself would leave the others within a step, whose model is then that
    of no step. It raises KeyboardInterrupt.

    Args:
        strategy: the strategy of the workers.

    Attributes:
        is_agreed: whether all workers have stopped after the same step.
    """

    def __init__(self, strategy: tf.distribute.Strategy) -> None:
        super().__init__()
        # A function, since TensorFlow would trace an eager sum anew in each step.
        self._sum = tf.function(lambda asked: strategy.reduce("SUM", asked, axis=None))
        self._is_asked = False
        self.is_agreed = False

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Within it Ctrl-C and SIGTERM wait for the end of the step; the second one does not."""

        def note(number, frame):
            if self._is_asked:
                raise KeyboardInterrupt
            self._is_asked = True

        with _handling(note, signal.SIGINT, signal.SIGTERM):
            yield

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if self._sum(tf.constant(float(self._is_asked))) > 0:
            self.is_agreed = True
            raise KeyboardInterrupt


@contextlib.contextmanager
def _handling(handler, *signals):
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {number: signal.signal(number, handler) for number in signals}
    try:
        yield
    finally:
        for number, earlier in previous.items():
            signal.signal(number, earlier)
