"""Candidates as tasks of Ray, on this machine or on a cluster."""

import dataclasses
import os
import pathlib
import socket
from collections.abc import Mapping
from typing import Any

from keras_effspine.errors import EffSpineError, SearchError
from keras_effspine.searching.evaluator import Evaluator
from keras_effspine.searching.job import Job, Result, keep_result, run_job
from keras_effspine.searching.pool import Pool
from keras_effspine.validation import cut

RETRIES = 5
"""How often a candidate is begun again whose worker or machine was lost."""

TASKS_A_PROCESS = 20
"""A worker's process ends after so many, and with it what TensorFlow keeps of each model."""


@dataclasses.dataclass(frozen=True)
class Resources:
    """What a candidate needs, as Ray counts it.

    Args:
        cpus: cores; also the number of threads that it computes with.
        gpus: GPUs, or a part of one.
        others: from a resource's name to how much of it, such as `{"TPU": 4}`.
    """

    cpus: float = 1
    gpus: float = 0
    others: Mapping[str, float] = dataclasses.field(default_factory=dict)

    def as_ray(self) -> dict[str, float]:
        """From Ray's name of each resource to how much of it."""
        return {"CPU": self.cpus, "GPU": self.gpus, **self.others}


class RayPool(Pool):
    """A cluster of Ray that runs, or one on this machine that ends with the pool.

    What a machine was at when it was lost begins again on another one. On a cluster the folder of
    the search and the data must lie at the same path on every machine; where the folder does not,
    results still come back, but a candidate that was lost starts from its first step.

    Args:
        evaluator: `Evaluator`.
        folder: absolute path of the folder of the search.
        workers: candidates at a time.
        address: of the cluster, `"host:port"`, `"ray://host:port"` or `"auto"`; None starts one.
        resources: `Resources` of a candidate.

    Raises:
        SearchError: if Ray is not installed, no cluster answers, or it has not what a candidate
            needs.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        folder: pathlib.Path,
        workers: int,
        address: str | None = None,
        resources: Resources | None = None,
    ) -> None:
        resources = resources or Resources()
        ray = _import_ray()
        self._ray, self._folder, self.workers = ray, folder, workers
        threads = str(max(1, int(resources.cpus)))
        environment = {
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "TF_ENABLE_ONEDNN_OPTS": "1",
            "TF_NUM_INTRAOP_THREADS": threads,
            "TF_NUM_INTEROP_THREADS": threads,
        }
        if not resources.gpus:
            environment["CUDA_VISIBLE_DEVICES"] = ""  # TensorFlow would fill all that it sees
        if address is not None:
            _check_answers(address)
        try:
            ray.init(
                address=address,
                # Room for the workers is made even where they are more than the cores.
                **({} if address else {"num_cpus": max(1, round(workers * resources.cpus))}),
                **({} if address else {"include_dashboard": False}),
                logging_level="ERROR",
                log_to_driver=False,
                runtime_env={"env_vars": environment},
            )
        except Exception as error:  # Ray raises nothing more special where a machine is too slow
            ray.shutdown()
            where = "started on this machine" if address is None else f"reached at {address}"
            reason = cut(str(error).strip().partition("\n")[0], 200)
            raise SearchError(f"Ray cannot be {where} ({reason}).") from error
        self._check_has(resources)
        self._task = ray.remote(
            num_cpus=resources.cpus,
            num_gpus=resources.gpus,
            resources=dict(resources.others),
            max_retries=RETRIES,
            max_calls=TASKS_A_PROCESS,
        )(run_job)
        self._evaluator = ray.put(evaluator)
        self._waiting: list[Job] = []
        self._running: dict[Any, Job] = {}

    def _check_has(self, resources: Resources) -> None:
        """Refuses what no machine of the cluster has, rather than waiting for ever."""
        machines = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        needed = {name: much for name, much in resources.as_ray().items() if much}
        if any(all(one.get(n, 0) >= much for n, much in needed.items()) for one in machines):
            return
        self._ray.shutdown()
        wanted = ", ".join(f"{name} {much:g}" for name, much in needed.items())
        names = ("CPU", "GPU", "TPU", *resources.others)
        had = "; ".join(
            ", ".join(f"{n} {one[n]:g}" for n in dict.fromkeys(names) if one.get(n)) or "nothing"
            for one in machines
        )
        raise SearchError(f"A candidate needs {wanted}, and no machine has it: there is {had}.")

    def submit(self, job: Job) -> None:
        self._waiting.append(job)
        self._start()

    def _start(self) -> None:
        while self._waiting and len(self._running) < self.workers:
            job = self._waiting.pop(0)
            self._running[self._task.remote(self._evaluator, job, self._folder)] = job

    def wait(self) -> Result:
        (done,), _ = self._ray.wait(list(self._running), num_returns=1)
        job = self._running.pop(done)
        self._start()
        errors = self._ray.exceptions
        try:
            result = self._ray.get(done)
        except errors.RayTaskError as error:
            cause = getattr(error, "cause", None)
            if isinstance(cause, EffSpineError):
                raise cause from None
            raise
        except (errors.RayError, errors.WorkerCrashedError) as error:
            reason = str(error).strip().partition("\n")[0]
            result = Result(
                key=job.key,
                betas=job.betas,
                seed=job.seed,
                score=None,
                failure=f"lost {RETRIES + 1} times: {type(error).__name__}: {reason}",
            )
        keep_result(self._folder, result)
        return result

    def close(self) -> None:
        self._ray.shutdown()


def _import_ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise SearchError(
            "Several workers are Ray's, which is not installed: pip install "
            "'keras-effspine[search]', or leave out --workers and --address."
        ) from error
    return ray


def _check_answers(address: str) -> None:
    """Finds out within seconds what takes Ray minutes: that nobody listens."""
    if address in ("auto", "local"):
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        raise SearchError(
            f"--address {address}: write host:port of a cluster's head, ray://host:port, or auto."
        )
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except (OSError, OverflowError) as error:
        raise SearchError(
            f"--address {address}: no cluster of Ray answers there ({error}). Start one with "
            "'ray start --head', or leave --address out for one on this machine."
        ) from error
