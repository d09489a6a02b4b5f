"""Detections on pictures that are shown enlarged where they are small."""

from keras_effspine.pictures.detections import draw_detections

_SMALLEST_SHOWN = 480


def zoom_of(image):
    """The whole number by which a picture `(height, width, 3)` is enlarged for legible labels."""
    return max(1, -(-_SMALLEST_SHOWN // max(image.shape[:2])))


def draw_enlarged(image, boxes, classes, class_names, scores=None, is_crowd=None):
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
        image.repeat(zoom, axis=0).repeat(zoom, axis=1),
        boxes * zoom,
        classes,
        class_names,
        scores=scores,
        is_crowd=is_crowd,
    )
