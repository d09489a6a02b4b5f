"""Figure 3 of the paper: feature and resource distribution before and after they are learned."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from keras_effspine.topology.block_table import BlockTable
from keras_effspine.topology.widths import block_costs

_COLORS = ("#9db4c8", "#e2824a", "#66a182")


def distribution_figure(table: BlockTable, distributions: Mapping[str, Sequence[int]]) -> Figure:
    """Draws the channels of each block and its share of the computation, for some distributions.

    Args:
        table: `BlockTable`.
        distributions: from a name to the channels of each block; three at most.

    Returns:
        Channels on the left; on the right the share of each block in
        the computation of all blocks (equation 2). Blocks are in order, with their levels below.
    """
    figure = Figure(figsize=(12, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    size = 0.8 / len(distributions)
    for index, (name, widths) in enumerate(distributions.items()):
        costs = block_costs(table, widths)
        shares = [100 * cost / sum(costs) for cost in costs]
        places = [number + size * index for number in range(len(widths))]
        left.bar(places, widths, size, label=name, color=_COLORS[index])
        right.bar(places, shares, size, label=name, color=_COLORS[index])
    for axes, label in ((left, "channels"), (right, "share of the computation, %")):
        axes.set_xticks(
            [number + 0.4 - size / 2 for number in range(len(table.blocks))],
            [f"L{block.level}" for block in table.blocks],
        )
        axes.set_ylabel(label)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    left.set_title("Feature distribution")
    right.set_title("Resource distribution")
    return figure
