"""The samplers of optuna, through the same small interface."""

import collections

import optuna

from keras_effspine.searching.samplers.sampler import Sampler
from keras_effspine.searching.space import Candidate


class OptunaSampler(Sampler):
    """A study of optuna in memory, whose numbers are places in the set of betas.

    The places are whole numbers and not mere names: the set is in rising order.

    Args:
        blocks, choices, seed: those of `Sampler`.
        sampler: function from a seed to optuna's sampler.
    """

    def __init__(self, blocks: int, choices: int, seed: int, sampler: type) -> None:
        super().__init__(blocks, choices, seed)
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._study = optuna.create_study(direction="maximize", sampler=sampler(seed=seed))
        self._open: dict[Candidate, collections.deque] = collections.defaultdict(collections.deque)

    def ask(self) -> Candidate:
        trial = self._study.ask()
        candidate = tuple(
            trial.suggest_int(f"block{number:02d}", 0, self.choices - 1)
            for number in range(1, self.blocks + 1)
        )
        self._open[candidate].append(trial)
        return candidate

    def learn(self, candidate: Candidate, score: float | None) -> None:
        trial = self._open[candidate].popleft()
        if score is None:
            self._study.tell(trial, state=optuna.trial.TrialState.FAIL)
        else:
            self._study.tell(trial, score)
