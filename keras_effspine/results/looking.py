"""Looking at pictures with whatever predicts batches."""

from collections.abc import Callable
from typing import Any

import numpy as np

from keras_effspine.data.images.letterbox import Letterboxed
from keras_effspine.results.picture import Picture, as_pictures
from keras_effspine.results.predictions import Predictions


def look(
    source: Any,
    place: Callable[[Picture], Letterboxed],
    predict: Callable[[np.ndarray], Any],
    result_of: Callable[[Any, int, np.ndarray, Picture], Any],
    batch_size: int,
) -> Any:
    """What a model says of pictures.

    Args:
        source: as in `as_pictures`.
        place: function from a picture to what the network sees of it.
        predict: function from images `(batch, height, width, 3)` to predictions.
        result_of: function from predictions, a place in the batch, the scale of the `Letterboxed`
            picture and the picture to a result.
        batch_size: pictures predicted at a time.

    Returns:
        A result; or `Predictions`, where more than one picture was meant.

    Raises:
        DataError: if a picture cannot be read.
        ValueError: if something is no picture, or `batch_size` is none.
    """
    if batch_size < 1:
        raise ValueError(f"`batch_size` must be 1 or more. Received: {batch_size}")
    pictures, is_single = as_pictures(source)
    found = Predictions()
    for start in range(0, len(pictures), batch_size):
        some = pictures[start : start + batch_size]
        placed = [place(picture) for picture in some]
        images = np.stack([one.image for one in placed])
        missing = min(batch_size, len(pictures)) - len(some)
        # Of one size, so that the network is traced once.
        images = np.concatenate([images, np.zeros((missing, *images.shape[1:]), images.dtype)])
        predictions = predict(images)
        found += [
            result_of(predictions, row, one.scale, picture)
            for row, (one, picture) in enumerate(zip(placed, some, strict=True))
        ]
    return found[0] if is_single else found
