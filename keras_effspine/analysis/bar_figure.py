"""Numbers side by side, drawn as bars."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure


def bar_figure(
    groups: Sequence[str], values: Mapping[str, Sequence[float | None]], label: str
) -> Figure:
    """Draws groups of horizontal bars.

    Args:
        groups: names of the groups, from top to bottom.
        values: dictionary from what a bar shows to its value in each group; None leaves it out.
        label: what the numbers are.

    Returns:
        `matplotlib.figure.Figure`.
    """
    height = float(np.clip(0.28 * len(groups) * (len(values) + 0.6) + 1.2, 2.5, 60))
    figure = Figure(figsize=(8, height), layout="constrained")
    axes = figure.subplots()
    thickness = 0.8 / len(values)
    for number, (name, numbers) in enumerate(values.items()):
        known = [(i, x) for i, x in enumerate(numbers) if x is not None]
        places = [i + (number - (len(values) - 1) / 2) * thickness for i, _ in known]
        lengths = [x for _, x in known]
        bars = axes.barh(places, lengths, thickness * 0.92, label=name, color=f"C{number}")
        axes.bar_label(bars, [f"{x:.3f}" for x in lengths], padding=3, fontsize=8)
    axes.set_yticks(range(len(groups)), groups, parse_math=False)
    axes.invert_yaxis()
    axes.set_xlabel(label)
    axes.margins(x=0.12)
    axes.grid(axis="x", alpha=0.3)
    if len(values) > 1:
        axes.legend(fontsize=8)
    return figure
