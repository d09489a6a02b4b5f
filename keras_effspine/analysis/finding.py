"""What a closer look shows: one finding, and what makes a picture one of the worst."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure
    from rich.table import Table


@dataclasses.dataclass(frozen=True, eq=False)
class Finding:
    """One thing that is seen, as numbers, tables and a picture.

    Args:
        name: name of its files, and of its part of the JSON file.
        title: its heading.
        text: what it is and how to read it, in a few sentences.
        values: what is written as JSON.
        tables: what is printed, and stands on the page.
        figure: function that makes its `matplotlib.figure.Figure`, or None.
        image: its picture, uint8 `(height, width, 3)`, or None.
    """

    name: str
    title: str
    text: str
    values: Any
    tables: tuple[Table, ...] = ()
    figure: Callable[[], Figure] | None = None
    image: np.ndarray | None = None


@dataclasses.dataclass(frozen=True)
class Grade:
    """How well a picture went.

    Args:
        value: the lower the worse; pictures are compared by it.
        words: what went wrong, in a few words.
    """

    value: float
    words: str
