"""The result of a task that has no class of its own for it."""

import dataclasses
from typing import Any

import numpy as np
from PIL import Image

from keras_effspine.results.picture import Picture


@dataclasses.dataclass(frozen=True, eq=False)
class DrawnResult:
    """An output of a task, which knows how it is drawn.

    Args:
        task: its `Task`.
        output: an output; see `Task`.
        picture: the `Picture` that it is of.
        class_names: tuple of class names, or None.
    """

    task: Any = dataclasses.field(repr=False)
    output: Any
    picture: Picture
    class_names: tuple[str, ...] | None = dataclasses.field(repr=False)

    def plot(self, min_score: float = 0.0) -> Image.Image:
        """The output drawn on its picture."""
        image: np.ndarray = self.picture.pixels()
        return Image.fromarray(
            self.task.draw(image, self.output, self.class_names or (), min_score)
        )

    def above(self, min_score: float) -> "DrawnResult":
        """All of it: what has no scores is always shown."""
        return self

    def summary(self) -> str:
        """The output in words."""
        return str(self.output)

    def _repr_png_(self) -> bytes | None:
        return self.plot()._repr_png_()
