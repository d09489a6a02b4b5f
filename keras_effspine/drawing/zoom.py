"""Detections on pictures that are shown enlarged where they are small."""

from collections.abc import Sequence

import numpy as np

from keras_effspine.drawing.detections import draw_detections

_SMALLEST_SHOWN = 480


def zoom_of(image: np.ndarray) -> int:
    """The whole number by which a picture `(height, width, 3)` is enlarged for legible labels."""
    return max(1, -(-_SMALLEST_SHOWN // max(image.shape[:2])))


def draw_enlarged(
    image: np.ndarray,
    boxes: np.ndarray,
    classes: np.ndarray,
    class_names: Sequence[str],
    scores: np.ndarray | None = None,
    is_crowd: np.ndarray | None = None,
) -> np.ndarray:
    """As `draw_detections`, on a picture enlarged by a whole number until its labels are legible.

    Args:
        image: uint8 `(height, width, 3)`.
        boxes: float `(n, 4)`, `xywh` in its pixels.
        classes, class_names, scores, is_crowd: as in `draw_detections`.

    Returns:
        A new uint8 `(height * zoom, width * zoom, 3)`.
    """
    zoom = zoom_of(image)
    return draw_detections(
        enlarged(image),
        boxes * zoom,
        classes,
        class_names,
        scores=scores,
        is_crowd=is_crowd,
    )


def draw_class(
    image: np.ndarray, index: int, class_names: Sequence[str], score: float | None = None
) -> np.ndarray:
    """The class of a whole picture, shown as an object as large as the picture.

    Args:
        image: uint8 `(height, width, 3)`.
        index: class index.
        class_names: tuple of class names.
        score: its probability, or None.

    Returns:
        A new uint8 `(height * zoom, width * zoom, 3)`.
    """
    height, width = image.shape[:2]
    return draw_enlarged(
        image,
        np.array([[0.0, 0.0, width, height]]),
        np.array([index]),
        class_names,
        scores=None if score is None else np.array([score]),
    )


def enlarged(image: np.ndarray) -> np.ndarray:
    """The picture `(height, width, 3)`, each pixel repeated until labels on it are legible.

    Where they are as it is, it is the same array.
    """
    zoom = zoom_of(image)
    return image if zoom == 1 else image.repeat(zoom, axis=0).repeat(zoom, axis=1)
