"""Several processes, on one machine or many, that train one model together."""

import contextlib
import json
import os
import re
import zlib
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import pydantic
import tensorflow as tf

from keras_effspine.errors import StrategyError

_EXAMPLE = (
    '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}'
)
_Addresses = tuple[Annotated[str, pydantic.Field(pattern=r"^\S+:\d+$")], ...]


class _Jobs(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", defer_build=True)
    chief: _Addresses = ()
    worker: _Addresses = ()


class _Task(pydantic.BaseModel):
    type: Literal["chief", "worker"]
    index: Annotated[int, pydantic.Field(ge=0)]


class Cluster(pydantic.BaseModel):
    """What `TF_CONFIG` says. The chief, where one is named, comes before the workers."""

    cluster: _Jobs
    task: _Task

    @pydantic.model_validator(mode="after")
    def _fits_together(self):
        if len(set(self.addresses)) < len(self.addresses) or len(self.cluster.chief) > 1:
            raise ValueError("there is at most one chief, and no address twice")
        if self.task.index >= len(getattr(self.cluster, self.task.type)):
            raise ValueError(f"the cluster has no {self.task.type} {self.task.index}")
        return self

    @property
    def addresses(self) -> tuple[str, ...]:
        return self.cluster.chief + self.cluster.worker

    def number(self, job: str, index: int) -> int:
        """Position of a job's process among all."""
        return index + (len(self.cluster.chief) if job == "worker" else 0)


def _read_cluster():
    try:
        return Cluster.model_validate(json.loads(os.environ["TF_CONFIG"]))
    except KeyError:
        reason = "is not set"
    except json.JSONDecodeError as error:
        reason = f"is not valid JSON ({error})"
    except pydantic.ValidationError as error:
        found = error.errors()[0]
        place = ".".join(map(str, found["loc"]))
        reason = f"does not fit: {f'{place}: ' if place else ''}{found['msg']}"
    raise StrategyError(
        "Training in several processes needs the environment variable TF_CONFIG for each, with "
        f"the addresses of all and which of them it is. Here it {reason}. Example: {_EXAMPLE}"
    )


class MultiWorkerStrategy(tf.distribute.MultiWorkerMirroredStrategy):
    """TensorFlow's multi-worker strategy, under which Keras 3.15's `fit` works.

    `fit` asks a strategy for two means that TensorFlow's cannot form (keras issue 20585): that of a
    batch, which is a pair of distributed values and not one, before it builds a model; and that of
    each metric along its first axis, though a metric has none. `reduce` gives both.

    Every process runs the same program. The first is the chief: it alone writes files.

    Attributes:
        worker: number of this process, from 0.
        addresses: tuple of the addresses of all.

    Raises:
        StrategyError: if `TF_CONFIG` is missing or wrong, or its own address cannot be taken.
    """

    def __init__(self) -> None:
        cluster = _read_cluster()
        self.addresses = cluster.addresses
        self.worker = cluster.number(cluster.task.type, cluster.task.index)
        self._number = cluster.number
        try:
            super().__init__()
        except (RuntimeError, tf.errors.OpError) as error:
            reason = str(error).partition("\n")[0]
            raise StrategyError(
                f"Worker {self.worker} could not start at {self.addresses[self.worker]} "
                f"({reason}). Is the address this machine's, and is its port free?"
            ) from error

    def reduce(self, reduce_op: Any, value: Any, axis: int | None) -> Any:
        def one(leaf):
            scalar = all(x.shape.rank == 0 for x in self.experimental_local_results(leaf))
            return super(MultiWorkerStrategy, self).reduce(
                reduce_op, leaf, axis=None if scalar else axis
            )

        return tf.nest.map_structure(one, value)

    def name_of(self, message: str) -> str:
        """The other process that an error of TensorFlow's is about, in words."""
        tasks = re.findall(r"/job:(chief|worker)/(?:replica:\d+/)?task:(\d+)", message)
        numbers = {self._number(job, int(index)) for job, index in tasks} - {self.worker}
        if not numbers:
            return "Another worker"
        number = min(numbers)
        return f"Worker {number} ({self.addresses[number]})"


def worker_of(strategy: tf.distribute.Strategy) -> tuple[int, int]:
    """Pair of the number of this process, from 0, and the number of processes that train."""
    if isinstance(strategy, MultiWorkerStrategy):
        return strategy.worker, len(strategy.addresses)
    return 0, 1


def distribute(batches: tf.data.Dataset, strategy: tf.distribute.Strategy) -> Any:
    """What `fit` is given for this worker's part of the batches.

    Args:
        batches: `tf.data.Dataset` of pairs of pictures and labels, of fixed shapes.
        strategy: the strategy.

    Returns:
        Under several workers a distributed data set, cut for this worker's replicas; otherwise the
        batches, which Keras distributes itself.
    """
    if not isinstance(strategy, MultiWorkerStrategy):
        return batches
    images, _ = batches.element_spec
    part = images.shape[0] // len(strategy.extended.worker_devices)
    return strategy.distribute_datasets_from_function(lambda context: batches.rebatch(part))


def check_agreement(strategy: tf.distribute.Strategy, **values: object) -> None:
    """Raises StrategyError, in all workers alike, where they differ in one of some values.

    Args:
        strategy: the strategy; with a single worker nothing is to be done.
        **values: anything that prints the same where it is the same, by what it is called.
    """
    if worker_of(strategy)[1] == 1:
        return
    sums = [zlib.crc32(repr(value).encode()) for value in values.values()]
    everyone = strategy.gather(tf.constant([sums], "int64"), axis=0).numpy()
    for name, column in zip(values, everyone.T, strict=True):
        if len(set(column)) > 1:
            mine = str(values[name])
            raise StrategyError(
                f"The workers do not have the same {name.replace('_', ' ')}"
                f"{f' (here: {mine})' if len(mine) < 60 else ''}. All need the same command, "
                "package, data and, on a file system that they share, run folder."
            )


@contextlib.contextmanager
def lost_workers_as_errors(strategy: tf.distribute.Strategy) -> Iterator[None]:
    """Turns TensorFlow's error, where another process is gone, into a StrategyError.

    TensorFlow notices within seconds: at once where a connection breaks, and after ten seconds
    without a sign of life. A process that is only busy gives one.
    """
    try:
        yield
    except (
        tf.errors.UnavailableError,
        tf.errors.AbortedError,
        tf.errors.CancelledError,
        tf.errors.DeadlineExceededError,
        tf.errors.FailedPreconditionError,
    ) as error:
        if worker_of(strategy)[1] == 1:
            raise
        raise StrategyError(
            f"{strategy.name_of(error.message)} no longer answers: it ended, was killed, or lost "
            "its connection; its own output may say why. Start all workers again with the same "
            "command: the run goes on from its last checkpoint."
        ) from error
