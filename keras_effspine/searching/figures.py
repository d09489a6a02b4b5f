"""The pictures of a search's report."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from keras_effspine.searching.ranking import Ranked

RECENT = 20
"""Candidates that the moving mean is taken of."""

_POINT, _LINE, _WINNER = "#9db4c8", "#3f7cac", "#d1495b"


def reward_figure(ranking: Sequence[Ranked], winner: Ranked) -> Figure:
    """Draws the score of each candidate over the samples, and the mean of the last ones."""
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot()
    scored = sorted((one for one in ranking if one.result.score is not None), key=_number)
    for is_whole, marker, label in ((True, "o", "candidate"), (False, "x", "stopped early")):
        some = [one for one in scored if one.result.is_whole == is_whole]
        if some:
            axes.plot(*_over_samples(some), marker, color=_POINT, markersize=4, label=label)
    numbers, scores = _over_samples(scored)
    means = [np.mean(scores[max(0, n - RECENT + 1) : n + 1]) for n in range(len(scores))]
    axes.plot(numbers, means, color=_LINE, label=f"mean of the last {RECENT}")
    axes.axhline(winner.result.score or 0.0, color=_WINNER, linewidth=1, label="winner")
    axes.set_xlabel("sample")
    _finish(axes, "score")
    return figure


def cost_figure(ranking: Sequence[Ranked], winner: Ranked, own: Ranked | None) -> Figure:
    """Draws Figure 5 of the paper: multiply-adds, and parameters, against the score.

    Args:
        ranking: sequence of `Ranked`.
        winner: the winning one.
        own: the preset's own distribution, where it has been evaluated.
    """
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    whole = [one for one in ranking if one.result.score is not None and one.result.is_whole]
    for axes, quantity, label in zip(
        figure.subplots(1, 2, sharey=True),
        ("multiply_adds", "parameters"),
        ("multiply-adds, M", "parameters, M"),
        strict=True,
    ):
        marked = [(whole, "o", _POINT, "candidate"), ([winner], "*", _WINNER, "winner")]
        if own is not None:
            marked.append(([own], "s", "#66a182", "the preset's own"))
        for some, marker, color, name in marked:
            costs = [getattr(one, quantity) / 1e6 for one in some]
            axes.plot(costs, [one.result.score for one in some], marker, color=color, label=name)
        axes.set_xlabel(label)
        _finish(axes, "score" if quantity == "multiply_adds" else "")
    return figure


def _number(one: Ranked) -> int:
    return one.number


def _over_samples(some: Sequence[Ranked]) -> tuple[list[int], list]:
    return [one.number for one in some], [one.result.score for one in some]


def _finish(axes: Axes, label: str) -> None:
    axes.set_ylabel(label)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#eeeeee")
    axes.legend(frameon=False)
