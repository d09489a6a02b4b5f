"""What `fit` and `predict` may hand to a detector, checked."""

from typing import Any

import keras
from keras_cv import bounding_box


def images_and_labels(data: Any) -> tuple[Any, dict[str, Any]]:
    """Images and dense labels of a training batch in either of keras-cv's forms.

    Args:
        data: `(images, labels)`, or a dictionary of `"images"` and `"bounding_boxes"`.

    Returns:
        Images `(batch, height, width, channels)`, and a dictionary of `"boxes"`
        `(batch, boxes, 4)` and `"classes"` `(batch, boxes)`, padded with -1.

    Raises:
        ValueError: if there are sample weights, or no such labels.
    """
    images, labels, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    if isinstance(images, dict):
        images, labels = images["images"], images.get("bounding_boxes", labels)
    if sample_weight is not None:
        raise ValueError(
            "Detectors take no sample weights: their losses are normalised by the number of places "
            "that are learnt from. Pass batches of (images, labels)."
        )
    if not isinstance(labels, dict) or not {"boxes", "classes"} <= set(labels):
        raise ValueError(
            "Labels must be a dictionary with 'boxes' (batch, boxes, 4) and 'classes' "
            f"(batch, boxes). Received: {labels}"
        )
    return images, bounding_box.to_dense(labels)


def require_known_size(images: Any) -> None:
    """Raises a `ValueError` if height or width of the images is not known."""
    if None in images.shape[1:3]:
        raise ValueError(
            "Anchors need pictures of a known size: resize or pad the data set's pictures to one "
            f"height and width. Received: images of shape {tuple(images.shape)}"
        )
