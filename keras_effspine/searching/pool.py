"""Where candidates are evaluated."""

import abc
import collections
import pathlib
from typing import Self

from keras_effspine.searching.evaluator import Evaluator
from keras_effspine.searching.job import Job, Result, run_job


class Pool(abc.ABC):
    """Workers that evaluate candidates; a context manager, at whose end none is left.

    Attributes:
        workers: how many candidates are evaluated at a time.
    """

    workers: int = 1

    @abc.abstractmethod
    def submit(self, job: Job) -> None:
        """Has a candidate evaluated as soon as a worker is free."""

    @abc.abstractmethod
    def wait(self) -> Result:
        """The next result, of any of the candidates.

        Raises:
            EffSpineError: if a candidate met what ends the whole search.
        """

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @abc.abstractmethod
    def close(self) -> None:
        """Ends the workers; what they are at, or is waiting, is not finished."""


class ThisProcess(Pool):
    """Evaluates one candidate after the other, while it is waited for.

    Args:
        evaluator: `Evaluator`.
        folder: absolute path of the folder of the search.
    """

    def __init__(self, evaluator: Evaluator, folder: pathlib.Path) -> None:
        self._evaluator, self._folder = evaluator, folder
        self._waiting: collections.deque[Job] = collections.deque()

    def submit(self, job: Job) -> None:
        self._waiting.append(job)

    def wait(self) -> Result:
        return run_job(self._evaluator, self._waiting.popleft(), self._folder)

    def close(self) -> None:
        self._waiting.clear()
