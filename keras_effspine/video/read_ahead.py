"""What is made in a thread of its own, some items ahead: `read_ahead`."""

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import TypeVar

_Item = TypeVar("_Item")


def read_ahead(items: Iterable[_Item], most: int) -> Iterator[_Item]:
    """The same items, made in a thread while others are used.

    Args:
        items: iterable; an error in it is raised here.
        most: greatest number of items that wait.
    """
    waiting: queue.Queue = queue.Queue(most)
    stopped, end = threading.Event(), object()

    def put(item: object) -> bool:
        while not stopped.is_set():
            try:
                waiting.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        try:
            for item in items:
                if not put((item, None)):
                    return
            put((end, None))
        except BaseException as error:  # raised where the items are used
            put((end, error))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            item, error = waiting.get()
            if error is not None:
                raise error
            if item is end:
                return
            yield item
    finally:
        stopped.set()
        thread.join()
