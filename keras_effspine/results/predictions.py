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
        from keras_effspine.data.conversion import file_names
        from keras_effspine.data.formats.coco_saving import coco_content

        record_set = self.to_records()
        (names,) = file_names({"": record_set}).values()
        return json.loads(json.dumps(coco_content(record_set, names)))

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
