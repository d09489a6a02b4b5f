"""Regularised evolution (arXiv:1802.01548)."""

import collections

from keras_effspine.searching.samplers.sampler import Sampler
from keras_effspine.searching.space import Candidate


class Evolution(Sampler):
    """Changes one choice of the best of a few, and lets the oldest die, not the worst.

    Candidates that were lucky once so do not stay for ever. The first ones are random.

    Args:
        blocks, choices, seed: those of `Sampler`.
        population: how many candidates live. The paper's 100 is for searches of 20,000.
        tournament: how many of them are drawn, of which the best is changed.
    """

    def __init__(
        self, blocks: int, choices: int, seed: int, population: int = 24, tournament: int = 8
    ) -> None:
        super().__init__(blocks, choices, seed)
        self._asked = 0
        self._tournament = tournament
        self._population: collections.deque[tuple[float, Candidate]] = collections.deque(
            maxlen=population
        )

    def ask(self) -> Candidate:
        self._asked += 1
        alive = len(self._population)
        if self._asked <= (self._population.maxlen or 0) or not alive:
            return tuple(int(n) for n in self.random.integers(self.choices, size=self.blocks))
        drawn = self.random.choice(alive, size=min(self._tournament, alive), replace=False)
        parent = max(self._population[int(n)] for n in drawn)[1]
        child = list(parent)
        block = int(self.random.integers(self.blocks))
        child[block] = (child[block] + int(self.random.integers(1, self.choices))) % self.choices
        return tuple(child)

    def learn(self, candidate: Candidate, score: float | None) -> None:
        if score is not None:
            self._population.append((score, candidate))
