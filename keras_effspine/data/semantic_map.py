"""Label maps: which class each pixel of a picture belongs to."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any, Protocol

import numpy as np

from keras_effspine.errors import DataError
from keras_effspine.topology.labels import IGNORED

MOST_CLASSES = IGNORED
"""So many classes leave 255 for the ignored pixels."""


class Labels(Protocol):
    """What the values of label maps mean; the kinds are those of `data.semantic_labels`."""

    def read(self, path: pathlib.Path, record: Any) -> np.ndarray:
        """uint8 `(height, width)`: class indices and `IGNORED`.

        Raises:
            DataError: the file cannot be read, or holds what is no class; names it.
        """

    def with_classes(self, to_index: np.ndarray) -> Labels:
        """The same kind with other class indices."""


@dataclasses.dataclass(frozen=True, eq=False)
class SemanticMap:
    """The label map of one picture, which is read when it is needed.

    Args:
        path: the file that holds it.
        labels: what the file's values mean, which the maps of a data set share.
    """

    path: pathlib.Path
    labels: Labels

    def read(self, record: Any) -> np.ndarray:
        """Reads the map.

        Args:
            record: the picture's `Record`.

        Returns:
            uint8 `(height, width)`, the picture's own: class indices, and `IGNORED`.

        Raises:
            DataError: the file cannot be read, has not the size of its picture, or holds a value
                that is no class; names the file.
        """
        classes = self.labels.read(self.path, record)
        if classes.shape != (record.height, record.width):
            raise DataError(
                f"{self.path}: the label map has {classes.shape[1]}x{classes.shape[0]} pixels, its "
                f"picture {record.width}x{record.height}; make both the same size."
            )
        return classes

    def with_classes(self, to_index: np.ndarray) -> SemanticMap:
        """The same map with other class indices: `to_index` int `(classes,)` holds the new ones."""
        return dataclasses.replace(self, labels=self.labels.with_classes(to_index))
