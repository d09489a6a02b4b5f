"""The loop of a search: ask, evaluate, tell, in an order that follows from the seed."""

import collections
import dataclasses
from collections.abc import Callable

import numpy as np

from keras_effspine.errors import SearchError
from keras_effspine.searching.budget import Budget
from keras_effspine.searching.job import Job, Result, key_of
from keras_effspine.searching.pool import Pool
from keras_effspine.searching.samplers.sampler import Sampler
from keras_effspine.searching.search_folder import SearchFolder
from keras_effspine.searching.space import Candidate, SearchSpace

REDRAWN = 1000
"""How often a candidate is drawn again that costs too much, before the search gives up."""

COMPARED_WITH = 5
"""Candidates that must have been measured at a step before one is stopped there."""


@dataclasses.dataclass(frozen=True)
class Sample:
    """A candidate that the sampler asked for.

    Args:
        number: from 0, in the order of asking.
        candidate: as the sampler knows it.
        key: of its result.
    """

    number: int
    candidate: Candidate
    key: str


@dataclasses.dataclass
class State:
    """How far a search is.

    Args:
        count: number of samples that are to be tried.
        results: all results so far, by key.
        samples: those that were asked for.
        told: how many of them the sampler has learnt from.
        running: keys of those that are being evaluated.
        evaluated: how many this process has had evaluated.
    """

    count: int
    results: dict[str, Result]
    samples: list[Sample] = dataclasses.field(default_factory=list)
    told: int = 0
    running: set[str] = dataclasses.field(default_factory=set)
    evaluated: int = 0


class Driver:
    """Runs a search.

    Sample `n` is asked for when the sampler has learnt from all samples up to `n - window`, in
    their order, and from no other. So neither the number of workers nor which of them is fast has
    a say in what is tried; and a search that goes on asks and tells again what the results on the
    disk answer, which takes a moment, and is then where it was.

    Args:
        space: `SearchSpace`.
        sampler: `Sampler`, new.
        budget: `Budget`.
        folder: `SearchFolder`.
        pool: `Pool`.
        seed: of each candidate's evaluation.
        stop_below: share of the earlier candidates, best of them left out: one that at a step is
            worse than all but this share is stopped there; 0 stops none.
        observe: function that is given the `State` whenever it has changed.
    """

    def __init__(
        self,
        space: SearchSpace,
        sampler: Sampler,
        budget: Budget,
        folder: SearchFolder,
        pool: Pool,
        seed: int,
        stop_below: float,
        observe: Callable[[State], None] = lambda state: None,
    ) -> None:
        self._space, self._sampler, self._budget = space, sampler, budget
        self._pool = pool
        self._seed, self._stop_below, self._observe = seed, stop_below, observe
        self._seen: dict[int, list[float]] = collections.defaultdict(list)
        self.state = State(0, folder.results())

    def run(self, count: int, window: int) -> State:
        """Tries so many samples, those of earlier calls and processes included.

        Args:
            count: number of samples.
            window: how many of them are open at a time, at least 1; always the same.

        Returns:
            The `State` at the end.

        Raises:
            SearchError: if the sampler proposes nothing that the budget allows.
            EffSpineError: what an evaluation ends the search with.
        """
        state = self.state
        state.count = count
        for number in range(len(state.samples), count):
            self._tell_up_to(number - window + 1)
            candidate = self._ask()
            key = self._key(candidate, self._seed)
            state.samples.append(Sample(number, candidate, key))
            self.start(key, self._space.betas(candidate), self._seed, self._floors())
        self._tell_up_to(count)
        return state

    def start(
        self, key: str, betas: tuple[float, ...], seed: int, floors: dict[int, float]
    ) -> None:
        """Has a candidate evaluated, unless it was, or is being."""
        if key not in self.state.results and key not in self.state.running:
            self.state.running.add(key)
            self._pool.submit(Job(key, betas, seed, floors))
            self._observe(self.state)

    def result(self, key: str) -> Result:
        """The result of a candidate that was started; waits for it."""
        state = self.state
        while key not in state.results:
            result = self._pool.wait()
            state.results[result.key] = result
            state.running.discard(result.key)
            state.evaluated += 1
            self._observe(state)
        return state.results[key]

    def evaluate(self, betas: tuple[float, ...], seed: int | None = None) -> Result:
        """The result of any candidate, evaluated to its end if it has none yet."""
        seed = self._seed if seed is None else seed
        key = key_of(self._space.widths(betas), seed)
        self.start(key, betas, seed, {})
        return self.result(key)

    def _key(self, candidate: Candidate, seed: int) -> str:
        return key_of(self._space.widths(self._space.betas(candidate)), seed)

    def _ask(self) -> Candidate:
        for _ in range(REDRAWN):
            candidate = self._sampler.ask()
            if self._budget.allows(self._space.betas(candidate)):
                return candidate
            self._sampler.tell(candidate, None)
        raise SearchError(
            f"{REDRAWN} candidates in a row cost more than the budget of "
            f"{self._budget.amount(self._budget.limit)}; raise it."
        )

    def _tell_up_to(self, number: int) -> None:
        state = self.state
        while state.told < number:
            sample = state.samples[state.told]
            result = self.result(sample.key)
            self._sampler.tell(sample.candidate, result.score)
            for step, score in result.scores.items():
                self._seen[step].append(score)
            state.told += 1
            self._observe(state)

    def _floors(self) -> dict[int, float]:
        """The least scores to go on with, by step: those of the candidates told so far."""
        if not self._stop_below:
            return {}
        return {
            step: float(np.quantile(scores, self._stop_below))
            for step, scores in self._seen.items()
            if len(scores) >= COMPARED_WITH
        }
