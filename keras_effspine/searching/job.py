"""One candidate's evaluation, wherever it is made, and the file that its result is."""

import dataclasses
import hashlib
import json
import pathlib
import shutil
import time
from collections.abc import Mapping

import filelock
import pydantic

from keras_effspine.atomic_file import write_file
from keras_effspine.errors import RunFolderError
from keras_effspine.searching.evaluator import Evaluator
from keras_effspine.validation import read_json_as


class Result(pydantic.BaseModel):
    """What came of a candidate, as its file says.

    Args:
        key: the name of the file; see `key_of`.
        betas, seed: of the candidate.
        score, scores, is_whole, failure: as in `Outcome`.
        seconds: that the evaluation took; of one that was killed, since it went on.
    """

    model_config = pydantic.ConfigDict(frozen=True, allow_inf_nan=False, defer_build=True)

    key: str
    betas: tuple[int | float, ...]
    seed: int
    score: float | None
    scores: dict[int, float] = {}
    is_whole: bool = True
    failure: str = ""
    seconds: float = 0.0


@dataclasses.dataclass(frozen=True)
class Job:
    """What is to be evaluated.

    Args:
        key: of the result; see `key_of`.
        betas, seed, floors: as in `Evaluator.evaluate`.
    """

    key: str
    betas: tuple[float, ...]
    seed: int
    floors: Mapping[int, float] = dataclasses.field(default_factory=dict)


def key_of(widths: tuple[int, ...], seed: int) -> str:
    """The name of a result: the same for betas that make the same network."""
    return f"{hashlib.sha256(json.dumps(widths).encode()).hexdigest()[:16]}-{seed}"


def result_file(folder: pathlib.Path, key: str) -> pathlib.Path:
    """Where the folder of a search has a result."""
    return folder / "results" / f"{key}.json"


def run_job(evaluator: Evaluator, job: Job, folder: pathlib.Path) -> Result:
    """Evaluates a candidate and writes its result, unless that is there.

    The result is on the disk before anyone hears of it. A candidate that another process is at
    (a worker that has not noticed that its driver was killed) is waited for, and then is there.

    Args:
        evaluator: `Evaluator`.
        job: `Job`.
        folder: absolute path of the folder of the search.

    Raises:
        EffSpineError: what ends the whole search.
    """
    file, work = result_file(folder, job.key), folder / "work" / job.key
    try:
        work.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunFolderError(f"{work.parent}: the folder cannot be made ({error}).") from error
    lock = work.with_name(f"{job.key}.lock")
    with filelock.FileLock(lock):
        if not file.exists():
            began = time.monotonic()
            outcome = evaluator.evaluate(job.betas, job.seed, work, job.floors)
            keep_result(
                folder,
                Result(
                    key=job.key,
                    betas=job.betas,
                    seed=job.seed,
                    seconds=round(time.monotonic() - began, 3),
                    **dataclasses.asdict(outcome),
                ),
            )
        shutil.rmtree(work, ignore_errors=True)
        lock.unlink(missing_ok=True)  # who waits for it finds the result
    return read_json_as(Result, file, RunFolderError)


def keep_result(folder: pathlib.Path, result: Result) -> None:
    """Writes a result, unless it is there: workers may write on another machine's disk."""
    file = result_file(folder, result.key)
    if not file.exists():
        text = result.model_dump_json(indent=2) + "\n"
        write_file(file, lambda part: part.write_text(text))
