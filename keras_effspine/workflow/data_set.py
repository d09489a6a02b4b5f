"""Data as they were recognised: `DataSet`."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image
from rich.table import Table
from rich.text import Text

from keras_effspine.data.record import RecordSet
from keras_effspine.data.record_columns import image_labels, object_arrays
from keras_effspine.data.reserved_records import reserve_records
from keras_effspine.errors import DataError
from keras_effspine.inspection.image_check import check_images
from keras_effspine.rich_parts import RichParts
from keras_effspine.tasks.registry import find_task, task_name, task_of
from keras_effspine.tasks.showcase import truth_gallery
from keras_effspine.training.recipe import Data, Recipe
from keras_effspine.training.run_data import load_data
from keras_effspine.workflow.data_check import LEVELS_SIZE, DataCheck, check_data

_MOST_CLASSES = 20


@dataclasses.dataclass(frozen=True, repr=False, eq=False)
class DataSet(RichParts):
    """Pictures with annotations, as `load_data` recognised them; shown as a table.

    Args:
        train: `RecordSet` of the pictures to train on.
        val: `RecordSet` of those to measure on; None where the data have none.
        task: name of the task that they are for.
        named: the `training.recipe.Data` by which a run finds them again.

    Example:

    ```python
    data = keras_effspine.load_data("shapes")
    data.class_names  # ("disc", "ring", "hexagon", "square", "triangle", "star")
    data.counts["disc"]  # annotated objects among the training pictures
    data.show(4).save("truth.png")  # in a notebook the picture is shown
    data.check()  # every picture is decoded; what was found is shown as tables
    ```
    """

    train: RecordSet
    val: RecordSet | None
    task: str
    named: Data

    @classmethod
    def read(cls, named: Data, task: str | None, report: Callable[[str], None]) -> "DataSet":
        """Loads what a recipe names as data; `task` as in `load_data`."""
        recipe = Recipe(data=named) if task is None else Recipe(task=task_name(task), data=named)
        train, measured, measured_on = load_data(recipe, report)
        return cls(
            train=train,
            val=None if measured_on == "training" else measured,
            task=task_of(train.records) if task is None else recipe.task,
            named=named,
        )

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, in the order of their ids, which are from 0."""
        return self.train.class_names

    @property
    def counts(self) -> dict[str, int]:
        """Objects of each class among the training pictures, crowds left out; of data for
        classification the pictures."""
        return _counts(self.train)

    def check(self, image_size: int = LEVELS_SIZE) -> DataCheck:
        """Looks for what is broken, dropped, doubled or odd, as `effspine data check` does.

        Args:
            image_size: height and width in pixels of the input, by which boxes are told small from
                large.

        Returns:
            `DataCheck`, which a notebook shows as tables.
        """
        return check_data(find_task(self.task), self._parts, image_size)

    def show(self, images: int = 9, part: str = "train", columns: int = 3) -> Image.Image:
        """Draws the annotations on some pictures, spread evenly over the data.

        Args:
            images: greatest number of pictures.
            part: `"train"` or `"val"`.
            columns: pictures in a row.

        Returns:
            `PIL.Image.Image`, which a notebook shows.

        Raises:
            DataError: if there is no such part, or none of these pictures can be decoded.
            ValueError: if no picture is asked for.
        """
        records = {"train": self.train, "val": self.val}.get(part)
        if records is None:
            raise DataError(f"{self.train.source}: has no part '{part}' to show.")
        if images < 1 or columns < 1:
            raise ValueError(
                f"`images` and `columns` must be 1 or more. Received: {images}, {columns}"
            )
        count = len(records.records)
        spread = [i * count // min(images, count) for i in range(min(images, count))]
        checked = check_images([records.records[i] for i in spread])
        usable = [i for i, (broken, _) in zip(spread, checked, strict=True) if not broken]
        if not usable:
            raise DataError(f"{records.source}: no picture can be decoded ({checked[0][0]}).")
        drawn = truth_gallery(find_task(self.task), records, usable, images, columns)
        return Image.fromarray(drawn)

    def reserve(self, count: int) -> "DataSet":
        """The same data, some training pictures of which are measured on in place of training.

        Args:
            count: number of pictures; the same ones whenever so many are asked for.

        Raises:
            DataError: if there are pictures for validation already, or more would be reserved than
                stay.
        """
        if self.named.reserve is not None or self.val is not None:
            raise DataError(f"{self.train.source}: there are validation pictures already.")
        train, val = reserve_records(self.train, count)
        named = self.named.model_copy(update={"reserve": count})
        return dataclasses.replace(self, train=train, val=val, named=named)

    def for_task(self, task: str, report: Callable[[str], None] = print) -> "DataSet":
        """The same data, read for another task.

        Raises:
            DataError, RecipeError: as `load_data`.
        """
        return self if task == self.task else DataSet.read(self.named, task, report)

    @property
    def _parts(self) -> list[RecordSet]:
        return [self.train] if self.val is None else [self.train, self.val]

    def parts(self) -> list[Any]:
        names = ("train", "val")[: len(self._parts)]
        table = Table("class", *names, title=f"For {self.task.replace('_', ' ')}")
        counted = [_counts(part) for part in self._parts]
        for name in self.class_names[:_MOST_CLASSES]:
            table.add_row(Text(name), *(f"{counts[name]:,}" for counts in counted))
        more = len(self.class_names) - _MOST_CLASSES
        if more > 0:
            table.add_row(f"... and {more} more")
        pictures = (f"{len(part.records):,}" for part in self._parts)
        table.add_section()
        table.add_row("pictures", *pictures)
        return [*map(repr, self._parts), table]


def _counts(record_set: RecordSet) -> dict[str, int]:
    labels = image_labels(record_set.records)
    if (labels >= 0).any():
        found = labels[labels >= 0]
    else:
        _, _, classes, is_crowd = object_arrays(record_set.records)
        found = classes[~is_crowd]
    counts = np.bincount(found, minlength=len(record_set.class_names))
    return dict(zip(record_set.class_names, counts.tolist(), strict=True))
