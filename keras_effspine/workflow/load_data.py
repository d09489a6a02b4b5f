"""From a name to data: `load_data`."""

import os
from collections.abc import Callable
from typing import Any

from keras_effspine.data.sources import is_name
from keras_effspine.training.recipe import Recipe
from keras_effspine.training.recipe_changes import override
from keras_effspine.workflow.data_set import DataSet


def load_data(
    source: str | os.PathLike,
    *,
    images: str | os.PathLike | None = None,
    split: str | None = None,
    task: str | None = None,
    val_data: str | os.PathLike | None = None,
    val_images: str | os.PathLike | None = None,
    val_split: str | None = None,
    reserve: int | None = None,
    report: Callable[[str], None] = print,
) -> DataSet:
    """Loads pictures with annotations, of any format that `--data` takes.

    What was recognised is printed, and what was dropped, with the reason.

    Args:
        source: a folder, a file, or a `.zip` or `.tar` archive, as an annotation tool exports it;
            `"shapes"`, the embedded data set; or `"tfds:NAME"`.
        images: folder of the pictures, for a COCO JSON file or a folder of masks alone.
        split: the part to train on; None takes `"train"` where the data have parts.
        task: name of the task; None takes the first of `"detection"`, `"classification"`,
            `"semantic_segmentation"` that the data are annotated for. Masks of instances are read
            for `"instance_segmentation"`.
        val_data, val_images, val_split: data to measure on, their folder of pictures and their
            part; by default the part `"val"` of the data, where there is one.
        reserve: number of training pictures to measure on, in place of validation data.
        report: function that is given each line of text.

    Returns:
        `DataSet`.

    Raises:
        DataError: if the data cannot be recognised or used; says why.
        RecipeError: if the arguments do not go together, or there is no such task.
    """
    named = {
        "data.data": _absolute(source),
        "data.images": _absolute(images),
        "data.split": split,
        "data.val_data": _absolute(val_data),
        "data.val_images": _absolute(val_images),
        "data.val_split": val_split,
        "data.reserve": reserve,
    }
    return DataSet.read(override(Recipe(), named).data, task, report)


def _absolute(path: Any) -> Any:
    """A path that holds wherever a program goes next; a name stays."""
    if not path or is_name(os.fspath(path)):
        return path
    return os.path.abspath(path)
