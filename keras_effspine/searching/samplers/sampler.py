"""What every algorithm of the search is to the rest of it."""

import abc

import numpy as np

from keras_effspine.searching.space import Candidate


class Sampler(abc.ABC):
    """Chooses candidates, and learns from their scores.

    It is asked and told in an order that depends on nothing but numbers of candidates, so that the
    same seed and scores lead to the same candidates: a search that goes on repeats it from the
    start in a moment. It draws from `random` alone.

    Args:
        blocks: number of choices that a candidate makes.
        choices: number of what there is to choose from, the same for each.
        seed: of its randomness.
    """

    def __init__(self, blocks: int, choices: int, seed: int) -> None:
        self.blocks = blocks
        self.choices = choices
        self.random = np.random.default_rng(seed)
        self._scores: dict[Candidate, list[float]] = {}

    @abc.abstractmethod
    def ask(self) -> Candidate:
        """The next candidate; one that was asked for before may come again."""

    def tell(self, candidate: Candidate, score: float | None) -> None:
        """Learns what came of a candidate.

        Args:
            candidate: what `ask` returned, at some time before.
            score: more is better; None where it was too costly to be tried, or failed.
        """
        if score is not None:
            self._scores.setdefault(candidate, []).append(score)
        self.learn(candidate, score)

    @abc.abstractmethod
    def learn(self, candidate: Candidate, score: float | None) -> None:
        """What `tell` means to the algorithm."""

    def recommend(self) -> Candidate:
        """What it holds for the best; by default the best that it was told of.

        Raises:
            LookupError: if it was told of no score.
        """
        if not self._scores:
            raise LookupError("no candidate has a score")
        return max(self._scores, key=lambda one: np.mean(self._scores[one]))
