"""The paper's algorithm: reinforcement learning, here over independent choices."""

import numpy as np

from keras_effspine.searching.samplers.advantage import Advantage
from keras_effspine.searching.samplers.sampler import Sampler
from keras_effspine.searching.space import Candidate


class Reinforce(Sampler):
    """Policy gradient (REINFORCE) over a softmax for each block, with baseline and entropy.

    Equations as in MnasNet's and TuNAS' public controllers (arXiv:1807.11626, arXiv:2008.06120);
    the space is small enough for logits of their own in place of a recurrent network. It
    recommends its mode: the best of the scores is as much luck as the candidate's merit.

    Args:
        blocks, choices, seed: those of `Sampler`.
        learning_rate: Adam's.
        entropy: weight of the policy's entropy beside an advantage of about 1.
    """

    BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8

    def __init__(
        self,
        blocks: int,
        choices: int,
        seed: int,
        learning_rate: float = 0.1,
        entropy: float = 0.1,
    ) -> None:
        super().__init__(blocks, choices, seed)
        self._rate = learning_rate
        self._entropy = entropy
        self._advantage = Advantage()
        self._logits = np.zeros((blocks, choices))
        self._mean = np.zeros_like(self._logits)
        self._square = np.zeros_like(self._logits)
        self._updates = 0

    @property
    def probabilities(self) -> np.ndarray:
        """float64 `(blocks, choices)`."""
        raised = np.exp(self._logits - self._logits.max(axis=1, keepdims=True))
        return raised / raised.sum(axis=1, keepdims=True)

    def ask(self) -> Candidate:
        # The choice with the greatest logit plus Gumbel noise is one with its probability.
        noise = self.random.gumbel(size=self._logits.shape)
        return tuple(int(n) for n in np.argmax(self._logits + noise, axis=1))

    def learn(self, candidate: Candidate, score: float | None) -> None:
        if score is None:
            return
        chances = self.probabilities
        logs = np.log(np.maximum(chances, 1e-12))
        of_blocks = -(chances * logs).sum(axis=1, keepdims=True)
        toward = -chances
        toward[np.arange(self.blocks), candidate] += 1
        gradient = self._advantage.of(score) * toward
        gradient -= self._entropy * chances * (logs + of_blocks)
        self._updates += 1
        self._mean += (1 - self.BETA1) * (gradient - self._mean)
        self._square += (1 - self.BETA2) * (gradient**2 - self._square)
        mean = self._mean / (1 - self.BETA1**self._updates)
        square = self._square / (1 - self.BETA2**self._updates)
        self._logits += self._rate * mean / (np.sqrt(square) + self.EPSILON)

    def recommend(self) -> Candidate:
        """The mode of the policy."""
        return tuple(int(n) for n in np.argmax(self._logits, axis=1))
