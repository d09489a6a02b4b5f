"""Ending in order when the system asks for it."""

import contextlib
import signal
import threading


@contextlib.contextmanager
def termination_as_interrupt():
    """Within it SIGTERM raises KeyboardInterrupt, as Ctrl-C does.

    Machines that are taken back (preemptible ones, a cluster's queue, `docker stop`) announce it
    with SIGTERM some seconds before. Python handles signals in its main thread alone; elsewhere
    nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number, frame):
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
