"""The report of a search: a page of text, and pictures."""

import functools
import pathlib
from collections.abc import Callable

from keras_effspine.atomic_file import write_file
from keras_effspine.searching.job import key_of
from keras_effspine.searching.multiply_adds import Drawn
from keras_effspine.searching.plan import Plan
from keras_effspine.searching.ranking import Ranked

_SHOWN = 10


def write_report(
    folder: pathlib.Path,
    plan: Plan,
    algorithm: str,
    winner: Ranked,
    ranking: list[Ranked],
    drawn: Drawn,
    checked: str,
    report: Callable[[str], None],
) -> None:
    """Writes `report.md`, and beside it `reward.svg`, `cost.svg` and `distribution.svg`.

    Args:
        folder: path of the folder of the search.
        plan: its `Plan`.
        algorithm: its name.
        winner: the `Ranked` that was found.
        ranking: list of all, the best first.
        drawn: what random candidates cost.
        checked: what the winner really costs, in a sentence, or empty.
        report: function that is told where pictures cannot be drawn.
    """
    images = _draw(folder, plan, winner, ranking, report)
    recipe = plan.recipe
    stopped = sum(not one.result.is_whole for one in ranking)
    failed = sum(one.result.score is None for one in ranking)
    hours = sum(one.result.seconds for one in ranking) / 3600
    best = ranking[0]
    lines = [
        f"# A resource distribution for {recipe.preset}",
        "",
        f"{len(ranking)} networks by {algorithm}, seed {recipe.seed}: {recipe.task} at "
        f"{recipe.image_size} px on {pathlib.Path(recipe.data.data).name}, scored on "
        f"{recipe.data.reserve} reserved training pictures. {plan.evaluator.in_words()}. {stopped} "
        f"were stopped early, {failed} failed. They took {hours:.2f} hours in all.",
        "",
        f"The winner scores {winner.result.score:.4f} with {winner.multiply_adds / 1e6:,.2f} M "
        f"multiply-adds and {winner.parameters:,} parameters; the limit is "
        f"{plan.budget.amount(plan.budget.limit)}. The best score that was seen, the luck of "
        f"the best of many included, is {_score(best)}.",
        "",
        f"    effspine train --preset {folder / 'best'} ...",
        "",
        *([checked, ""] if checked else []),
        drawn.in_words(),
        "",
        "| rank | score | multiply-adds, M | parameters | betas |",
        "|---|---|---|---|---|",
    ]
    for place, one in enumerate(ranking[:_SHOWN], start=1):
        betas = " ".join(f"{beta:g}" for beta in one.result.betas)
        lines.append(
            f"| {place} | {_score(one)} | {one.multiply_adds / 1e6:,.2f} | {one.parameters:,} | "
            f"{betas} |"
        )
    lines += ["", "All of them: `ranking.csv`.", ""]
    lines += [f"![{name}]({name}.svg)\n" for name in images]
    write_file(folder / "report.md", lambda file: file.write_text("\n".join(lines)))


def _score(one: Ranked) -> str:
    if one.result.score is None:
        return "-"
    return f"{one.result.score:.4f}" + ("" if one.result.is_whole else " (stopped early)")


def _draw(folder, plan, winner, ranking, report) -> list[str]:
    """Draws the pictures; their names."""
    try:
        import matplotlib
    except ImportError:
        report(
            "The report is without pictures: matplotlib is not installed; pip install "
            "'keras-effspine[search]'."
        )
        return []
    from keras_effspine.profiling.distribution_figure import distribution_figure
    from keras_effspine.searching.figures import cost_figure, reward_figure

    space, own = plan.space, plan.space.spec.betas
    own_key = None if own is None else key_of(space.widths(own), plan.recipe.seed)
    evaluated = next((one for one in ranking if one.result.key == own_key), None)
    widths = {
        "equal betas": space.widths(None),
        **({} if own is None else {"the preset's own": space.widths(own)}),
        "winner": winner.widths,
    }
    figures = {
        "reward": reward_figure(ranking, winner),
        "cost": cost_figure(ranking, winner, evaluated),
        "distribution": distribution_figure(space.spec.table, widths),
    }
    for name, figure in figures.items():
        save = functools.partial(figure.savefig, format="svg", metadata={"Date": None})
        with matplotlib.rc_context({"svg.hashsalt": "keras_effspine", "svg.fonttype": "none"}):
            write_file(folder / f"{name}.svg", save)
    return list(figures)
