"""The results of many pictures: `Predictions`."""

import dataclasses
import json
import os
from typing import Any

import numpy as np
from PIL import Image

from keras_effspine.data.record import RecordSet
from keras_effspine.errors import DataError

_MOST_LINES = 20
_OUTLINED = ("yolo", "label-studio")
"""Formats that hold polygons, and no run lengths."""


class Predictions(list[Any]):
    """A list of results, one a picture, of one model. A notebook shows some of them drawn.

    ```python
    found = model.detect(["a.jpg", "b.jpg"])
    found[0].boxes, found.plot(), found.to_csv()
    ```
    """

    def plot(self, images: int = 9, columns: int = 3, min_score: float = 0.0) -> Image.Image:
        """Some results drawn, spread evenly over the list, side by side.

        Args:
            images: greatest number of pictures shown.
            columns: pictures in a row.
            min_score: what has a lower score is not shown.

        Raises:
            ValueError: if there is nothing to show.
        """
        count = min(images, len(self))
        if count < 1 or columns < 1:
            raise ValueError(f"There must be a picture to show. Received: {count} in {columns}")
        from keras_effspine.drawing.grid import image_grid

        chosen = [self[i * len(self) // count] for i in range(count)]
        rows = [chosen[i : i + columns] for i in range(0, count, columns)]
        cells = [[np.asarray(one.plot(min_score)) for one in row] for row in rows]
        captions = [[os.path.basename(one.picture.name) for one in row] for row in rows]
        return Image.fromarray(image_grid(cells, captions))

    def to_csv(self) -> str:
        """The lines of all results, under one header."""
        texts = [one.to_csv().partition("\n") for one in self]
        return "".join([*(f"{header}\n" for header, _, _ in texts[:1]), *(t[2] for t in texts)])

    def to_coco(self) -> dict:
        """COCO's annotation file of all pictures; see `Detections.to_coco`.

        File names are those in the innermost folder that holds all pictures.
        """
        from keras_effspine.data.formats.coco_saving import coco_content
        from keras_effspine.data.written_names import file_names

        record_set = self.to_records()
        (names,) = file_names({"": record_set}).values()
        return json.loads(json.dumps(coco_content(record_set, names)))

    def save(self, folder: str | os.PathLike, format: str, link: bool = False) -> list[str]:
        """Writes the results as annotations, for people to correct, with the pictures.

        Masks are outlines where the format draws them; see `outlines.with_outlines`.

        Args:
            folder: path of the folder to make; it may exist if it is empty.
            format: one of `conversion.TARGETS`: `"coco"`, `"voc"`, `"yolo"`, `"cvat"`,
                `"label-studio"`, `"tfrecord"`.
            link: whether picture files are hard links where the disk allows it, and not copies.

        Returns:
            List of lines that say what the format could not hold, counted by kind.

        Raises:
            DataError: if there is no result, results are not boxes or masks, or the folder is not
                empty or cannot be written.
            MissingPackageError: if supervision, which outlines need, is not installed.
        """
        from keras_effspine.data.conversion import check_target, convert
        from keras_effspine.results.outlines import with_outlines

        check_target(format, folder)
        record_set = self.to_records()
        if any(r.semantic_map is not None or r.image_label is not None for r in record_set.records):
            raise DataError(f"{format}: holds boxes and masks; these results are of another kind.")
        if format in _OUTLINED:
            records = tuple(map(with_outlines, record_set.records))
            record_set = dataclasses.replace(record_set, records=records)
        return convert({"train": record_set}, format, folder, link, predicted=True)

    def to_records(self) -> RecordSet:
        """The results as annotations; pictures and objects are numbered from 1.

        Raises:
            DataError: if there is no result.
        """
        if not self:
            raise DataError("There are no results to write.")
        records, objects = [], 0
        for number, one in enumerate(self, start=1):
            record = one.to_record()
            ids = tuple(range(objects + 1, objects + len(record.boxes) + 1))
            records.append(dataclasses.replace(record, image_id=number, annotation_ids=ids))
            objects += len(ids)
        known = max((record.classes.max(initial=-1) for record in records), default=-1)
        names = self[0].names_for(np.array([known]))
        ids = tuple(range(1, len(names) + 1))
        return RecordSet(tuple(records), names, ids, "predictions")

    def _repr_png_(self) -> bytes | None:
        return self.plot()._repr_png_()

    def __repr__(self) -> str:
        lines = [f"{one.picture.name}: {one.summary()}" for one in self[:_MOST_LINES]]
        if len(self) > _MOST_LINES:
            lines.append(f"... and {len(self) - _MOST_LINES} more pictures")
        return "\n".join(lines) or "no pictures"
