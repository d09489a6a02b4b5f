"""Precision and recall of each class, drawn."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from keras_effspine.drawing.detections import class_colour
from keras_effspine.evaluation.class_curves import ClassCurve

_MOST_COLOURS = 20
_RECALLS = np.linspace(0, 1, 101)
_SCORES = np.linspace(0, 1, 201)


def curve_figure(curves: Sequence[ClassCurve], names: Sequence[str], measure: str) -> Figure:
    """Draws precision against recall, and F1 against the score, of the classes with objects.

    Up to 20 classes have colours of their own; of more, all are grey, and their mean is drawn.

    Args:
        curves: sequence of `ClassCurve`.
        names: their names.
        measure: what the average precision is called.

    Returns:
        `matplotlib.figure.Figure`; dots are at the best F1 of a class.
    """
    figure = Figure(figsize=(12, 5.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    known = [index for index, curve in enumerate(curves) if curve.objects]
    is_few = len(known) <= _MOST_COLOURS
    for index in known:
        curve = curves[index]
        red, green, blue = (value / 255 for value in class_colour(index))
        colour = (red, green, blue) if is_few else "0.8"
        label = (
            f"{_plain(names[index])}, {measure} {curve.average_precision:.3f}" if is_few else None
        )
        width = 1.8 if is_few else 0.8
        left.plot(_RECALLS, curve.precision_at_recalls(), color=colour, label=label, lw=width)
        right.plot(_SCORES, _f1_from(curve), color=colour, lw=width)
        if curve.best is not None and is_few:
            right.plot(curve.best[1], curve.best[0], "o", color=colour, ms=6)
    if known and (not is_few or len(known) > 1):
        precision = np.mean([curves[index].precision_at_recalls() for index in known], axis=0)
        f1 = np.mean([_f1_from(curves[index]) for index in known], axis=0)
        label = f"mean, {measure} {precision.mean():.3f}"
        left.plot(_RECALLS, precision, color="black", label=label, lw=2, ls="--")
        right.plot(_SCORES, f1, color="black", lw=2, ls="--")
    for axes, x, y in ((left, "recall", "precision"), (right, "score from which", "F1")):
        axes.set(xlabel=x, ylabel=y, xlim=(0, 1), ylim=(0, 1.02))
        axes.grid(alpha=0.3)
    if known:
        left.legend(loc="lower left", fontsize=8)
    return figure


def _f1_from(curve: ClassCurve) -> np.ndarray:
    """F1 of the detections that reach each of `_SCORES`."""
    reaching = np.searchsorted(-curve.scores, -_SCORES, side="right")
    return np.append(0.0, curve.f1)[reaching]


def _plain(name: str) -> str:
    """A name that matplotlib takes neither for mathematics nor for nothing to show."""
    return name.replace("$", r"\$").lstrip("_") or "(unnamed)"
