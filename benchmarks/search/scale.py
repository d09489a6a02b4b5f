"""What a search costs beside its candidates, and whether its driver keeps many workers busy.

    python benchmarks/search/scale.py --out benchmarks/results/search/scale.json

Candidates have fake scores. `overhead`: they take no time, so that what is left is the search's
own: asking, a task of Ray, the result on the disk, telling. `workers`: they sleep for a second,
with 1 to 8 workers on one machine: candidates an hour. `simulation`: 5,000 candidates that sleep
for 1 to 5 seconds each on 100 workers. On this one machine these are threads, which write results
as workers do; with `--processes` they are Ray's processes, of about 60 MB each.
"""

import argparse
import concurrent.futures
import contextlib
import json
import os
import pathlib
import platform
import queue
import resource
import shutil
import tempfile
import time

import numpy as np

from keras_effspine.searching import ray_pool
from keras_effspine.searching.budget import Budget
from keras_effspine.searching.driver import Driver
from keras_effspine.searching.evaluator import Evaluator, Outcome
from keras_effspine.searching.job import run_job
from keras_effspine.searching.pool import Pool, ThisProcess
from keras_effspine.searching.samplers.registry import make_sampler
from keras_effspine.searching.search_folder import SearchFolder
from keras_effspine.searching.space import SearchSpace
from keras_effspine.topology.eff_spinenet import SPEC

SPACE = SearchSpace(SPEC)


class Fake(Evaluator):
    """Sleeps, for a time that the betas decide, and scores their sum."""

    def __init__(self, shortest, longest):
        self.shortest, self.longest = shortest, longest

    def seconds(self, betas):
        share = np.random.default_rng([int(beta) for beta in betas]).uniform()
        return self.shortest + (self.longest - self.shortest) * share

    def evaluate(self, betas, seed, folder, floors):
        time.sleep(self.seconds(betas))
        return Outcome(sum(betas) / 360, {1: sum(betas) / 360})

    def settings(self):
        return {}


class Threads(Pool):
    """Workers that are threads: candidates that sleep need no more."""

    def __init__(self, evaluator, folder, workers):
        self.workers, self._evaluator, self._folder = workers, evaluator, folder
        self._executor = concurrent.futures.ThreadPoolExecutor(workers)
        self._done = queue.SimpleQueue()

    def submit(self, job):
        future = self._executor.submit(run_job, self._evaluator, job, self._folder)
        future.add_done_callback(self._done.put)

    def wait(self):
        return self._done.get().result()

    def close(self):
        self._executor.shutdown(cancel_futures=True)


class NoLimit(Budget):
    def __init__(self):
        super().__init__(1.0, "nothing")

    def price(self, betas):
        return 0.0


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def timed(evaluator, count, workers, kind=ray_pool.RayPool):
    """Runs a random search, of different networks, after a few that start the workers."""
    path = pathlib.Path(tempfile.mkdtemp())
    try:
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(SearchFolder.claim(path, {}))
            if kind is ThisProcess:
                pool = ThisProcess(evaluator, folder.path)
            else:
                pool = kind(evaluator, folder.path, workers)
            stack.enter_context(pool)
            sampler = make_sampler("random", SPACE.blocks, len(SPACE.choices), 0)
            driver = Driver(SPACE, sampler, NoLimit(), folder, pool, 0, 0.25)
            began = time.monotonic()
            driver.run(2 * workers, 2 * workers)
            started = time.monotonic() - began
            began, cpu = time.monotonic(), cpu_seconds()
            driver.run(2 * workers + count, 2 * workers)
            took, cpu = time.monotonic() - began, cpu_seconds() - cpu
            results = driver.state.results
            samples = driver.state.samples[2 * workers :]
            slept = sum(evaluator.seconds(results[sample.key].betas) for sample in samples)
            assert len(list((path / "results").iterdir())) == len(results)
    finally:
        shutil.rmtree(path)
    return {
        "workers": workers,
        "candidates": count,
        "seconds_to_start": round(started, 1),
        "seconds": round(took, 2),
        "driver_cpu_ms_a_candidate": round(1000 * cpu / count, 2),
        "candidates_an_hour": round(3600 * count / took),
        "workers_busy": round(slept / took / workers, 3),
        "driver_peak_MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--parts", nargs="+", default=["overhead", "workers", "simulation"])
    parser.add_argument("--simulated", type=int, default=5000)
    parser.add_argument("--simulated-workers", type=int, default=100)
    parser.add_argument("--processes", action="store_true")
    options = parser.parse_args()
    found = json.loads(options.out.read_text()) if options.out.exists() else {}
    load = os.getloadavg()[0]
    print(f"load before: {load:.1f}", flush=True)
    for part in options.parts:
        if part == "overhead":
            found[part] = {
                "this process": timed(Fake(0, 0), 300, 1, kind=ThisProcess),
                "ray": timed(Fake(0, 0), 300, 2),
            }
        elif part == "workers":
            found[part] = [timed(Fake(1, 1), 20 * n, n) for n in (1, 2, 4, 8)]
        else:
            # A hundred processes of two cores would do nothing else but begin anew.
            ray_pool.TASKS_A_PROCESS = 1000
            count, workers = options.simulated, options.simulated_workers
            kind = ray_pool.RayPool if options.processes else Threads
            found[f"{part}, {kind.__name__}"] = timed(Fake(1, 5), count, workers, kind)
        print(part, json.dumps(found, indent=1), flush=True)
        found.setdefault("machines", {})[part] = (
            f"{platform.machine()}, {os.cpu_count()} cores, load {load:.1f} before, Python "
            f"{platform.python_version()}, {time.strftime('%Y-%m-%d')}"
        )
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
