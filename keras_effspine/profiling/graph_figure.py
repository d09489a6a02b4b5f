"""A scale-permuted graph: blocks by level, from left to right in the order of computation."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from keras_effspine.topology.block_table import STEM, BlockTable

_INNER, _OUTPUT, _LINE = "#dbe7f3", "#f6c9a8", "#5b6b7a"
_WIDTH, _HEIGHT = 0.66, 0.5


def graph_figure(table: BlockTable, widths: Sequence[int], title: str) -> Figure:
    """Draws a block table.

    Args:
        table: `BlockTable`.
        widths: channels of each block.
        title: text above.

    Returns:
        `matplotlib.figure.Figure`. Arrows lead from parents; dashed ones from blocks that an output
        absorbs. Output blocks are shaded and named P3 to P7.
    """
    figure = Figure(figsize=(12, 5.2), layout="constrained")
    axes = figure.add_subplot()
    outputs = {number: f"P{level}" for level, number in table.outputs}
    absorbed = table.absorbed()
    places = {n: (n, block.level) for n, block in enumerate(table.blocks, start=1)}
    for number, block in enumerate(table.blocks, start=1):
        parents = [(p, "-") for p in block.parents if p != STEM]
        for parent, style in parents + [(p, "--") for p in absorbed.get(number, ())]:
            others = [p for n, p in places.items() if n not in (parent, number)]
            axes.add_patch(_arrow(places[parent], places[number], style, others))
        x, y = places[number]
        axes.add_patch(
            FancyBboxPatch(
                (x - _WIDTH / 2, y - _HEIGHT / 2),
                _WIDTH,
                _HEIGHT,
                boxstyle="round,pad=0,rounding_size=0.08",
                facecolor=_OUTPUT if number in outputs else _INNER,
                edgecolor=_LINE,
                zorder=3,
            )
        )
        name = outputs.get(number, str(number))
        axes.text(x, y + 0.07, name, ha="center", va="center", fontweight="bold", zorder=4)
        axes.text(
            x, y - 0.14, str(widths[number - 1]), ha="center", va="center", fontsize=7, zorder=4
        )
    levels = range(1, max(block.level for block in table.blocks) + 1)
    axes.set_aspect("equal")  # so that `_bend` sees the curves as they are drawn
    axes.set_xlim(0.4, len(table.blocks) + 0.6)
    axes.set_ylim(0.5, levels[-1] + 0.6)
    axes.set_xticks(range(1, len(table.blocks) + 1))
    axes.set_yticks(levels, [f"L{level}" for level in levels])
    axes.set_xlabel("block, in the order of computation")
    axes.set_ylabel("level: stride $2^l$")
    axes.set_title(f"{title}: blocks with their channels; outputs shaded")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#eeeeee", zorder=0)
    return figure


def _arrow(start, end, style, others):
    return FancyArrowPatch(
        start,
        end,
        arrowstyle="-|>",
        mutation_scale=9,
        shrinkA=14,
        shrinkB=17,
        linestyle=style,
        color=_LINE,
        linewidth=0.9,
        alpha=0.8,
        connectionstyle=f"arc3,rad={_bend(start, end, others)}",
        zorder=2,
    )


def _bend(start, end, others):
    """The smallest bend with which an arrow passes the fewest blocks on its way."""

    def passed(bend):
        # matplotlib's arc3 is a quadratic Bezier curve with this point in the middle.
        (x0, y0), (x2, y2) = start, end
        x1, y1 = (x0 + x2) / 2 + bend * (y2 - y0), (y0 + y2) / 2 - bend * (x2 - x0)
        hit = set()
        for t in (step / 40 for step in range(41)):
            x = (1 - t) ** 2 * x0 + 2 * t * (1 - t) * x1 + t**2 * x2
            y = (1 - t) ** 2 * y0 + 2 * t * (1 - t) * y1 + t**2 * y2
            hit |= {p for p in others if abs(x - p[0]) < _WIDTH / 1.8 and abs(y - p[1]) < 0.32}
        return len(hit), abs(bend)

    return min((sign * size / 20 for size in range(1, 10) for sign in (-1, 1)), key=passed)
