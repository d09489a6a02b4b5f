"""What gives a candidate its score."""

import abc
import dataclasses
import pathlib
from collections.abc import Callable, Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of a candidate.

    Args:
        score: more is better; None where there is none.
        scores: from a step of its training to the score there, in order; the last is `score`.
        is_whole: whether it was evaluated to the end, not stopped since it fell behind.
        failure: why it has no score; empty where it has one.
    """

    score: float | None
    scores: Mapping[int, float] = dataclasses.field(default_factory=dict)
    is_whole: bool = True
    failure: str = ""


class Evaluator(abc.ABC):
    """Gives candidates their scores, in any process on any machine.

    It is pickled on its way there, so that it holds what it needs, or a path to it.
    """

    def prepare(  # noqa: B027 (most need nothing)
        self, folder: pathlib.Path, report: Callable[[str], None]
    ) -> None:
        """Makes what all evaluations share, once, before the evaluator goes to its processes.

        Args:
            folder: absolute path of the folder of the search, claimed by this process; what is
                made goes there, and is gone on with after a kill.
            report: function that is given each line of text for the user.

        Raises:
            KeyboardInterrupt: if it was interrupted, after its state was kept.
        """

    @abc.abstractmethod
    def evaluate(
        self,
        betas: tuple[float, ...],
        seed: int,
        folder: pathlib.Path,
        floors: Mapping[int, float],
    ) -> Outcome:
        """Evaluates a candidate.

        Args:
            betas: the candidate: one number a block.
            seed: of all randomness in it.
            folder: path for files of its own; those of an evaluation that was killed are still
                there when it is evaluated again, and what is there at the end is removed.
            floors: from a step to the least score there with which it is worth going on.

        Raises:
            EffSpineError: what ends the whole search, since no candidate can do better.
        """

    def trained_model(
        self, betas: tuple[float, ...], seed: int
    ) -> tuple[Any, dict[str, Any]] | None:
        """A candidate as a model that needs no more training; by default there is none.

        Returns:
            Pair of the model and how its weights came about, a dictionary for `save_to_preset`; or
            None.
        """
        return None

    def in_words(self) -> str:
        """How a candidate gets its score, as the beginning of a sentence."""
        return "Each was trained alone for a short while"

    @abc.abstractmethod
    def settings(self) -> dict[str, Any]:
        """All that decides a score, as JSON can hold it: a search goes on under the same alone."""

    def renewed(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Settings that an earlier version wrote, as this one would have written them."""
        return settings
