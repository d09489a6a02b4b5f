"""What gives a candidate its score."""

import abc
import dataclasses
import pathlib
from collections.abc import Mapping
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

    @abc.abstractmethod
    def settings(self) -> dict[str, Any]:
        """All that decides a score, as JSON can hold it: a search goes on under the same alone."""

    def renewed(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Settings that an earlier version wrote, as this one would have written them."""
        return settings
