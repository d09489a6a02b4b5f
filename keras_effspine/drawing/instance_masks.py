"""Instance masks drawn on a picture: translucent, with outlines, boxes and names."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from keras_effspine.data.run_lengths import decoded
from keras_effspine.drawing.detections import class_colour, draw_detections
from keras_effspine.drawing.zoom import enlarged, zoom_of

_STRENGTH = 0.45
_OUTLINE = 0.65  # of white in the outline, so that equal colours side by side can be told apart


@dataclasses.dataclass(frozen=True, eq=False)
class _Part:
    """What of a mask lies in its bounds: rows and columns, and the pixels there."""

    rows: slice
    columns: slice
    inside: np.ndarray


def draw_instances(
    image: np.ndarray,
    boxes: np.ndarray,
    classes: np.ndarray,
    masks: Sequence[dict | None],
    class_names: Sequence[str],
    scores: np.ndarray | None = None,
    is_crowd: np.ndarray | None = None,
) -> np.ndarray:
    """Draws masks, boxes and labels on a picture, enlarged until labels are legible.

    Masks of low score are drawn first.

    Args:
        image: uint8 `(height, width, 3)`.
        boxes: float `(n, 4)`, `xywh` in its pixels.
        classes: integer `(n,)`, indices into `class_names`.
        masks: sequence of `n` masks as run lengths of the picture's size; None leaves the box.
        class_names, scores, is_crowd: as in `draw_detections`.

    Returns:
        A new uint8 `(height * zoom, width * zoom, 3)`.

    Raises:
        ValueError: if a mask has not the picture's size, or as in `draw_detections`.
    """
    if len(masks) != len(boxes):
        raise ValueError(
            f"There must be a mask, or None, for each box. Received: {len(masks)} for {len(boxes)}"
        )
    zoom = zoom_of(image)
    canvas = enlarged(image).astype("float32")
    line = max(1, round((canvas.shape[0] * canvas.shape[1]) ** 0.5 / 400))
    order = np.arange(len(boxes)) if scores is None else np.argsort(scores, kind="stable")
    for index in order.tolist():
        mask = masks[index]
        if mask is None:
            continue
        if list(mask["size"]) != list(image.shape[:2]):
            raise ValueError(
                f"A mask must have its picture's size {image.shape[:2]}. Received: {mask['size']}"
            )
        part = _part(decoded(mask), zoom)
        if part is not None:
            _tint(canvas, part, np.array(class_colour(classes[index]), "float32"), line)
    return draw_detections(
        canvas.round(), boxes * zoom, classes, class_names, scores=scores, is_crowd=is_crowd
    )


def _part(mask: np.ndarray, zoom: int) -> _Part | None:
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    if not len(rows):
        return None
    bounds = [slice(x[0], x[-1] + 1) for x in (rows, columns)]
    inside = mask[bounds[0], bounds[1]].repeat(zoom, axis=0).repeat(zoom, axis=1)
    large = [slice(x.start * zoom, x.stop * zoom) for x in bounds]
    return _Part(large[0], large[1], inside)


def _tint(canvas: np.ndarray, part: _Part, colour: np.ndarray, line: int) -> None:
    here = canvas[part.rows, part.columns]
    # Inside is what lies so far from all that is not: what is beside the bounds is not.
    core = np.pad(part.inside, line)
    for axis in (0, 1):
        shifted = [np.roll(core, step, axis) for step in range(-line, line + 1)]
        core = np.logical_and.reduce(shifted)
    core = core[line:-line, line:-line]
    mixed = (1 - _STRENGTH) * here + _STRENGTH * colour
    outline = (1 - _OUTLINE) * colour + _OUTLINE * 255
    here[part.inside] = mixed[part.inside]
    here[part.inside & ~core] = outline
