"""The candidates of a search in the order of their scores."""

import csv
import dataclasses
import math
import pathlib
from typing import Self

from keras_effspine.atomic_file import write_file
from keras_effspine.searching.driver import State
from keras_effspine.searching.job import Result
from keras_effspine.searching.plan import Plan


@dataclasses.dataclass(frozen=True)
class Ranked:
    """A candidate with all that is known of it.

    Args:
        number: of the first sample that was it, from 0.
        result: its `Result`.
        widths: channels of each block.
        multiply_adds, parameters: of the whole model.
        price: what the budget holds it for.
    """

    number: int
    result: Result
    widths: tuple[int, ...]
    multiply_adds: float
    parameters: int
    price: float

    @classmethod
    def of(cls, number: int, result: Result, plan: Plan) -> Self:
        """A result with what it costs."""
        cost = plan.counts.cost(result.betas)
        return cls(
            number,
            result,
            plan.space.widths(result.betas),
            cost.published,
            cost.parameters,
            plan.budget.price(result.betas),
        )


def rank(state: State, plan: Plan) -> list[Ranked]:
    """All candidates of a search, the best first; those that were stopped follow the others."""
    first = {sample.key: sample.number for sample in reversed(state.samples)}
    ranked = [Ranked.of(number, state.results[key], plan) for key, number in first.items()]
    return sorted(ranked, key=_merit, reverse=True)


def _merit(one: Ranked) -> tuple[bool, float, int]:
    score = one.result.score
    return one.result.is_whole, -math.inf if score is None else score, -one.number


def write_ranking(ranking: list[Ranked], file: pathlib.Path) -> None:
    """Writes a ranking as CSV."""

    def write(part):
        with part.open("w", newline="", encoding="utf-8") as opened:
            rows = csv.writer(opened)
            rows.writerow(
                "rank score whole number multiply_adds parameters price seconds betas widths "
                "failure".split()
            )
            for place, one in enumerate(ranking, start=1):
                result = one.result
                rows.writerow(
                    [
                        place,
                        result.score,
                        result.is_whole,
                        one.number,
                        round(one.multiply_adds),
                        one.parameters,
                        round(one.price, 3),
                        result.seconds,
                        " ".join(f"{beta:g}" for beta in result.betas),
                        " ".join(map(str, one.widths)),
                        result.failure,
                    ]
                )

    write_file(file, write)
