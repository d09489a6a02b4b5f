"""Figures 1 and 4 of the paper: accuracy against cost."""

from collections.abc import Iterable
from typing import cast

from matplotlib.figure import Figure

from keras_effspine.topology.published import Published, PublishedRow

# Families by how their names begin: color, and where a point's name stands, in points from it and
# how aligned. A model that belongs to none is a point of its own.
_FAMILIES = {
    "Eff-SpineNet-D": ("#d1495b", (-7, 3), "right"),
    "Eff-SpineNet-M": ("#d1495b", (-7, 3), "right"),
    "EfficientNet-B": ("#3f7cac", (6, -9), "left"),
    "EfficientDet-D": ("#66a182", (8, 1), "left"),
}
_OTHERS = ("#666666", (6, 0), "left")


def trade_off_figure(rows: Iterable[PublishedRow], quantity: str, label: str, title: str) -> Figure:
    """Draws COCO box AP against a cost, as published.

    Args:
        rows: list of `PublishedRow`s of one-stage detectors.
        quantity: `"parameters"` or `"multiply_adds"`.
        label: text of the horizontal axis.
        title: text above.

    Returns:
        `matplotlib.figure.Figure` with a logarithmic horizontal axis; all points are the paper's.
    """
    figure = Figure(figsize=(8, 5.5), layout="constrained")
    axes = figure.add_subplot()
    points = [
        (getattr(row, quantity).value, cast(Published, row.accuracy).value, row.title)
        for row in rows
    ]
    for family, look in _FAMILIES.items():
        line = sorted(point for point in points if point[2].startswith(family))
        points = [point for point in points if point not in line]
        _plot(axes, line, "o-", *look)
    _plot(axes, points, "s", *_OTHERS)
    axes.set_xscale("log")
    axes.margins(x=0.18)
    axes.set_xlabel(f"{label} (logarithmic)")
    axes.set_ylabel("COCO AP, %")
    axes.set_title(f"{title}; all points as published in arXiv:2010.11426")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#eeeeee", which="both")
    return figure


def _plot(axes, points, style, color, offset, alignment):
    axes.plot([p[0] for p in points], [p[1] for p in points], style, color=color, markersize=4.5)
    for x, y, text in points:
        axes.annotate(
            text,
            (x, y),
            offset,
            textcoords="offset points",
            fontsize=7,
            color=color,
            ha=alignment,
            va="center",
        )
