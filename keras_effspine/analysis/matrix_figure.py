"""A confusion matrix, drawn."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

_MOST_NUMBERS, _MOST_NAMES = 16, 60
_DARK = 0.6


def matrix_figure(matrix: np.ndarray, names: Sequence[str]) -> Figure:
    """Draws the share of each row that goes to each column; numbers where there is room.

    Args:
        matrix: int `(n, n)`, annotated by predicted class.
        names: `n` names.

    Returns:
        `matplotlib.figure.Figure`. Beyond 60 classes they are not named.
    """
    count = len(matrix)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    side = float(np.clip(0.6 * count + 2.5, 5, 16))
    figure = Figure(figsize=(side + 0.8, side), layout="constrained")
    axes = figure.subplots()
    shown = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xlabel("predicted")
    axes.set_ylabel("annotated")
    if count <= _MOST_NAMES:
        axes.set_xticks(range(count), names, rotation=90 if count > 4 else 0, parse_math=False)
        axes.set_yticks(range(count), names, parse_math=False)
    if count <= _MOST_NUMBERS:
        for row, column in np.ndindex(matrix.shape):
            if matrix[row, column]:
                text = f"{matrix[row, column]:,}\n{shares[row, column]:.0%}"
                colour = "white" if shares[row, column] > _DARK else "black"
                axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=8)
    figure.colorbar(shown, ax=axes, label="share of the annotated class", shrink=0.7)
    return figure
