"""A search without networks: candidates whose scores are known beforehand."""

import dataclasses
import os
import pathlib
import time

from keras_effspine.searching.budget import Budget
from keras_effspine.searching.evaluator import Evaluator, Outcome
from keras_effspine.searching.space import SearchSpace
from keras_effspine.topology.block_table import STEM, Block, BlockTable
from keras_effspine.topology.network_spec import NetworkSpec

SPACE = SearchSpace(
    NetworkSpec(
        BlockTable(
            "planted",
            (Block(2, (STEM,), "mbconv", 64), *(Block(3, (n,), "mbconv", 96) for n in range(1, 6))),
            ((3, 6),),
        ),
        stem_width=8,
    ),
    choices=(1, 2, 3),
)


@dataclasses.dataclass
class Planted(Evaluator):
    """The score is the share of blocks whose beta is the greatest.

    What it begins is written to a file, a line each; beside it the process that began it.

    Args:
        diary: path of the file, or None.
        seconds: that a candidate takes.
        fails: the betas of a candidate that has no score.
        error: what is raised for every candidate, or None.
        steps: number of measurements on the way.
    """

    diary: pathlib.Path | None = None
    seconds: float = 0.0
    fails: tuple[float, ...] | None = None
    error: Exception | None = None
    steps: int = 1

    def evaluate(self, betas, seed, folder, floors):
        if self.diary:
            with self.diary.open("a") as file:
                file.write(f"{' '.join(map(str, betas))} {seed}\n")
            with self.diary.with_suffix(".processes").open("a") as file:
                file.write(f"{os.getpid()}\n")
        time.sleep(self.seconds)
        if self.error:
            raise self.error
        if betas == self.fails:
            return Outcome(None, failure="as planned")
        score = sum(beta == 3 for beta in betas) / len(betas) + 1e-6 * seed
        scores = {}
        for step in range(1, self.steps + 1):
            scores[step] = score * step / self.steps
            if scores[step] < floors.get(step, 0.0):
                return Outcome(scores[step], scores, is_whole=False)
        return Outcome(score, scores)

    def settings(self):
        return {"planted": self.steps}

    def last_process(self):
        return int(self.diary.with_suffix(".processes").read_text().splitlines()[-1])

    def begun(self):
        """The candidates in the order in which they were begun."""
        return self.diary.read_text().splitlines() if self.diary.exists() else []


class Generous(Budget):
    """A budget that allows every candidate whose betas do not sum up to more than the limit."""

    def __init__(self, limit=1e9):
        super().__init__(limit, "betas")

    def price(self, betas):
        return sum(betas)
