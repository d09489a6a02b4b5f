"""Figure 3 of the paper: feature and resource distribution before and after they are learned."""

from matplotlib.figure import Figure

from keras_effspine.topology.network_spec import NetworkSpec
from keras_effspine.topology.widths import block_costs


def distribution_figure(spec: NetworkSpec, names: tuple[str, str]) -> Figure:
    """Draws the channels of each block and its share of the computation, for two distributions.

    Args:
        spec: `NetworkSpec`; its table's own widths are the first distribution, those that its betas
            make the second.
        names: names of the two.

    Returns:
        Channels on the left; on the right the share of each block in
        the computation of all blocks (equation 2). Blocks are in order, with their levels below.
    """
    table = spec.table
    figure = Figure(figsize=(12, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    colors = ("#9db4c8", "#e2824a")
    for index, (name, widths) in enumerate(zip(names, (table.widths, spec.widths()), strict=True)):
        costs = block_costs(table, widths)
        shares = [100 * cost / sum(costs) for cost in costs]
        places = [number + 0.4 * index for number in range(len(widths))]
        left.bar(places, widths, 0.4, label=name, color=colors[index])
        right.bar(places, shares, 0.4, label=name, color=colors[index])
    for axes, label in ((left, "channels"), (right, "share of the computation, %")):
        axes.set_xticks(
            [number + 0.2 for number in range(len(table.blocks))],
            [f"L{block.level}" for block in table.blocks],
        )
        axes.set_ylabel(label)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    left.set_title("Feature distribution")
    right.set_title("Resource distribution")
    return figure
