"""Candidates at random: what every other algorithm must beat."""

from keras_effspine.searching.samplers.sampler import Sampler
from keras_effspine.searching.space import Candidate


class RandomSearch(Sampler):
    """Each candidate with the same chance. Arguments are those of `Sampler`."""

    def ask(self) -> Candidate:
        return tuple(int(n) for n in self.random.integers(self.choices, size=self.blocks))

    def learn(self, candidate: Candidate, score: float | None) -> None:
        pass
