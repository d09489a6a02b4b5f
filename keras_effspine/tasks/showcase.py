"""Pictures of the truth, and of what a model predicts next to it."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_effspine.data.images.image_pixels import read_image
from keras_effspine.data.record import Record, RecordSet
from keras_effspine.drawing.grid import image_grid
from keras_effspine.tasks.task import Task


def truth_gallery(
    task: Task, record_set: RecordSet, usable: list[int], images: int = 12, columns: int = 4
) -> np.ndarray:
    """Draws the truth on some pictures, spread evenly over the data set.

    Args:
        task: `Task`.
        record_set: `RecordSet`.
        usable: list of the positions of records that can be drawn; at least one.
        images: greatest number of pictures shown.
        columns: pictures in a row.

    Returns:
        uint8 `(height, width, 3)`.
    """
    count = min(images, len(usable))
    chosen = [usable[i * len(usable) // count] for i in range(count)]
    records = [record_set.records[index] for index in chosen]
    cells = [
        task.draw(read_image(record), task.truth(record), record_set.class_names)
        for record in records
    ]
    return _in_rows(cells, [str(record.image_id) for record in records], columns)


def truth_and_prediction(
    task: Task,
    pairs: list[tuple[Record, Any]],
    class_names: tuple[str, ...],
    min_score: float,
    columns: int = 2,
    words: Sequence[str] | None = None,
) -> np.ndarray:
    """One picture that shows pairs of truth and prediction.

    Args:
        task: `Task`.
        pairs: list of pairs of a record and an output.
        class_names: tuple of class names.
        min_score: what is predicted with a lower score is not shown.
        columns: number of pairs in a row.
        words: sequence of what is said of each pair, or None.

    Returns:
        uint8 `(height, width, 3)`.
    """
    cells, captions = [], []
    for place, (record, output) in enumerate(pairs):
        image = read_image(record)
        cells += [
            task.draw(image, task.truth(record), class_names),
            task.draw(image, output, class_names, min_score),
        ]
        said = f": {words[place]}" if words else ""
        captions += [f"{record.image_id}: truth", f"predicted{said}"]
    return _in_rows(cells, captions, 2 * columns)


def _in_rows(cells: list[np.ndarray], captions: list[str], columns: int) -> np.ndarray:
    rows = range(0, len(cells), columns)
    return image_grid(
        [cells[i : i + columns] for i in rows], [captions[i : i + columns] for i in rows]
    )
