"""Python that tf.data calls from threads of its own."""

import functools
import threading
import time
from collections.abc import Callable


class PythonCalls:
    """Counts such calls, so that one can wait until none runs any more.

    An iterator of tf.data that goes away waits for its calls, and a call for Python's lock. Where
    Python itself is ending, which no longer lends its lock, both wait for ever.
    """

    IDLE = 0.1
    """Seconds without a call after which the buffers in front of a resting consumer are full."""

    def __init__(self):
        self._lock = threading.Lock()
        self._running = 0
        self._ended = 0.0

    def counted(self, function: Callable) -> Callable:
        """The function, its calls counted."""

        @functools.wraps(function)
        def call(*args):
            with self._lock:
                self._running += 1
            try:
                return function(*args)
            finally:
                with self._lock:
                    self._running -= 1
                    self._ended = time.monotonic()

        return call

    def wait_until_idle(self, timeout: float = 60.0) -> None:
        """Returns when there has been no call for a moment.

        Args:
            timeout: seconds after which it returns anyway: a disk may not answer.
        """
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            with self._lock:
                if not self._running and time.monotonic() > self._ended + self.IDLE:
                    return
            time.sleep(self.IDLE / 5)
