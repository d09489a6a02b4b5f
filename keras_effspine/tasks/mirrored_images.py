"""Letterboxed pictures, mirrored."""

from collections.abc import Sequence

import numpy as np

from keras_effspine.data.record import Record


def mirrored_images(
    images: np.ndarray,
    rows: Sequence[int] | np.ndarray,
    scales: np.ndarray,
    records: Sequence[Record],
) -> np.ndarray:
    """The pictures of a batch mirrored left to right, their padding where it was.

    Args:
        images: `(batch, height, width, 3)`.
        rows: rows of the batch that hold pictures.
        scales: float `(rows, 2)`, pixels of the batch over pixels of the picture along y, x.
        records: the pictures' `Record`s.
    """
    images = images.copy()
    for row, (_, scale), record in zip(rows, scales, records, strict=True):
        width = round(record.width * float(scale))
        images[row, :, :width] = images[row, :, :width][:, ::-1]
    return images
