"""What all results have in common."""

import abc
import dataclasses
from typing import Any, Self

import numpy as np
from PIL import Image

from keras_effspine.data.record import Record
from keras_effspine.results.picture import Picture


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Result(abc.ABC):
    """What a model says of one picture. A notebook shows it drawn on the picture.

    Args:
        picture: `Picture`.
        class_names: tuple of the names of all classes that the model knows, or None where they are
            not known: classes are then called by their ids.
    """

    picture: Picture
    class_names: tuple[str, ...] | None

    @abc.abstractmethod
    def plot(self, min_score: float = 0.0) -> Image.Image:
        """The result drawn on its picture, small pictures enlarged.

        Args:
            min_score: what has a lower score is not shown.
        """

    def above(self, min_score: float) -> Self:
        """What of the result has at least this score; by default all of it."""
        return self

    @abc.abstractmethod
    def to_csv(self) -> str:
        """The result as CSV, with a header."""

    @abc.abstractmethod
    def to_dict(self) -> dict:
        """The result as `json.dump` takes it, classes by name."""

    @abc.abstractmethod
    def to_record(self) -> Record:
        """The result as the annotation of its picture, scores as attributes."""

    @abc.abstractmethod
    def text(self) -> str:
        """The result for people to read."""

    def summary(self) -> str:
        """The result in a few words."""
        return self.text()

    def names_for(self, ids: np.ndarray) -> tuple[str, ...]:
        """The names of all classes; numbers, as many as `ids` need, where they are not known."""
        if self.class_names is not None:
            return self.class_names
        return tuple(map(str, range(int(np.asarray(ids, "int64").max(initial=-1)) + 1)))

    def record(self, **fields: Any) -> Record:
        """A record of the picture with these annotations."""
        return dataclasses.replace(self.picture.record, **fields)

    def _repr_png_(self) -> bytes | None:
        return self.plot()._repr_png_()

    def __repr__(self) -> str:
        return (
            f"{self.picture.name}, {self.picture.width} x {self.picture.height} px: {self.text()}"
        )
