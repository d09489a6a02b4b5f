"""Instance masks as small crops of their boxes: a hundred full-size planes would be 164 MB."""

import numpy as np

from keras_effspine.data.record import Record
from keras_effspine.data.semantic_labels import decode_mask
from keras_effspine.errors import DataError
from keras_effspine.topology.labels import IGNORED

CROP_SIZE = 112
"""Height and width of a crop: four times the 28 pixels that Mask R-CNN predicts."""


def crop_masks(record: Record, boxes: np.ndarray) -> tuple[np.ndarray, list[DataError]]:
    """Cuts the masks of a record's objects out of their boxes.

    One mask at a time is as large as its picture. The pixel of the mask that lies at the middle of
    a crop's pixel gives its value.

    Args:
        record: `Record`.
        boxes: float `(objects, 4)`, xyxy in pixels of the picture, what is wanted of each object;
            a box without area gives an empty crop, and its mask is not read.

    Returns:
        Pair of uint8 `(objects, CROP_SIZE, CROP_SIZE)`: 1 on the object, 0 beside it, `IGNORED`
        throughout where no mask is known; and the errors of masks that cannot be read, which are
        not known either.
    """
    crops = np.zeros((len(boxes), CROP_SIZE, CROP_SIZE), "uint8")
    errors = []
    masks = record.masks if len(record.masks) else [None] * len(boxes)
    for index, (crop, box, mask) in enumerate(zip(crops, boxes, masks, strict=True)):
        if not (box[2:] > box[:2]).all():
            continue
        if mask is None:
            crop[:] = IGNORED
            continue
        try:
            plane = decode_mask(mask, record, f"annotation {record.annotation_ids[index]}")
        except DataError as error:
            crop[:] = IGNORED
            errors.append(error)
            continue
        rows, inside_rows = _pixels(box[1], box[3], record.height)
        columns, inside_columns = _pixels(box[0], box[2], record.width)
        crop[np.ix_(inside_rows, inside_columns)] = plane[np.ix_(rows, columns)]
    return crops, errors


def _pixels(low: float, high: float, length: int) -> tuple[np.ndarray, np.ndarray]:
    """The pixels under a crop's pixels that lie on the picture, and which those are."""
    middles = low + (np.arange(CROP_SIZE) + 0.5) * ((high - low) / CROP_SIZE)
    places = np.floor(middles).astype("int64")
    inside = (places >= 0) & (places < length)
    return places[inside], inside
