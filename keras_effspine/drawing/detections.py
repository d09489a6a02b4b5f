"""Boxes, class names and scores drawn on a picture."""

import functools
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from keras_effspine.drawing.text_labels import Plate, draw_plate, plate_size, text_font

# Classes beyond this many take the colours of the first ones again.
_NUM_COLOURS = 256


def draw_detections(
    image: np.ndarray,
    boxes: np.ndarray,
    classes: np.ndarray,
    class_names: Sequence[str],
    scores: np.ndarray | None = None,
    is_crowd: np.ndarray | None = None,
) -> np.ndarray:
    """Draws boxes with labels on a copy of a picture.

    Boxes of low score are drawn first. A label goes where it covers no label of higher score; where
    there is no such place at its box it is left out, and the colour alone tells the class. Text
    takes at least 9 pixels, so enlarge small pictures, and their boxes, before drawing.

    Args:
        image: array `(height, width, 3)`, RGB from 0 to 255.
        boxes: float array `(n, 4)`, `xywh` in pixels of `image`.
        classes: integer array `(n,)`, indices into `class_names`.
        class_names: the names of all classes.
        scores: float array `(n,)`, or None to draw boxes without scores, as for the truth.
        is_crowd: bool array `(n,)`; crowds are drawn with dashed lines. None means no crowds.

    Returns:
        uint8 array `(height, width, 3)`.

    Raises:
        ValueError: if the arrays do not fit together, a box is not finite, or a class has no name.
    """
    boxes = np.asarray(boxes, "float64").reshape(-1, 4)
    classes = np.asarray(classes).astype(int)
    shown = np.zeros(len(boxes)) if scores is None else np.asarray(scores, "float64")
    crowds = np.zeros(len(boxes), bool) if is_crowd is None else np.asarray(is_crowd, bool)
    _check(image, boxes, classes, class_names, shown, crowds)
    canvas = Image.fromarray(np.clip(image, 0, 255).astype("uint8"))
    draw = ImageDraw.Draw(canvas)
    size = (canvas.width * canvas.height) ** 0.5
    line = max(1, round(size / 240))
    font = text_font(max(9, round(size / 40)))

    order = np.argsort(-shown, kind="stable")
    edges = [_visible_edges(box, canvas.size, line) for box in boxes]
    visible = [one for one in edges if one]
    # All boxes before all labels, so that no line crosses a label.
    for index in reversed(order):
        if edges[index]:
            _draw_box(draw, edges[index], class_colour(classes[index]), line, crowds[index])
    plates: list[Plate] = []
    for index in order:
        if not edges[index]:
            continue
        ending = " (crowd)" if crowds[index] else ""
        ending += "" if scores is None else f" {shown[index]:.2f}"
        text = _label(class_names[classes[index]], ending, font, canvas.width)
        plate = _free_place(edges[index], plate_size(text, font), canvas.size, plates, visible)
        if plate:
            draw_plate(draw, plate, text, font, class_colour(classes[index]))
            plates.append(plate)
    return np.array(canvas)


def class_colour(index: int) -> tuple[int, int, int]:
    """The colour of a class: the same whatever the other classes, and far from theirs.

    Args:
        index: class index from 0.

    Returns:
        Tuple `(red, green, blue)` of integers from 0 to 255.
    """
    return _colours()[int(index) % _NUM_COLOURS]


@functools.cache
def _colours() -> list[tuple[int, int, int]]:
    # Each next colour is the one farthest from all before it, in a space where distance is what the
    # eye sees (Oklab), among those that are neither grey, nor near black or white.
    levels = np.linspace(0, 1, 18)
    rgb = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(-1, 3)
    lab = _oklab(rgb)
    vivid = (lab[:, 0] > 0.55) & (lab[:, 0] < 0.9) & (np.hypot(lab[:, 1], lab[:, 2]) > 0.12)
    rgb, lab = rgb[vivid], lab[vivid]
    chosen = [int(np.argmin(np.abs(rgb - (1.0, 0.3, 0.2)).sum(axis=1)))]
    distance = np.full(len(rgb), np.inf)
    while len(chosen) < _NUM_COLOURS:
        distance = np.minimum(distance, np.linalg.norm(lab - lab[chosen[-1]], axis=1))
        chosen.append(int(np.argmax(distance)))
    return [(r, g, b) for r, g, b in np.round(rgb[chosen] * 255).astype(int).tolist()]


def _oklab(rgb):
    """sRGB `(n, 3)` from 0 to 1, as Oklab (Ottosson 2020) `(n, 3)`."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    cones = linear @ np.array(
        [
            [0.4122214708, 0.2119034982, 0.0883024619],
            [0.5363325363, 0.6806995451, 0.2817188376],
            [0.0514459929, 0.1073969566, 0.6299787005],
        ]
    )
    return np.cbrt(cones) @ np.array(
        [
            [0.2104542553, 1.9779984951, 0.0259040371],
            [0.7936177850, -2.4285922050, 0.7827717662],
            [-0.0040720468, 0.4505937099, -0.8086757660],
        ]
    )


def _visible_edges(box, size, line):
    """Corners `(left, top, right, bottom)` of the drawn lines' outer side, or None if unseen."""
    left, top, width, height = box
    if left >= size[0] or top >= size[1] or left + width < 0 or top + height < 0:
        return None
    # Half of the line lies outside, so that the object of a tiny box can still be seen.
    outside = line // 2
    left, top = round(left) - outside, round(top) - outside
    right = max(left, round(box[0] + width) - 1 + outside)
    bottom = max(top, round(box[1] + height) - 1 + outside)
    return (max(left, 0), max(top, 0), min(right, size[0] - 1), min(bottom, size[1] - 1))


def _draw_box(draw, edges, colour, line, dashed):
    left, top, right, bottom = edges
    if not dashed:
        draw.rectangle(edges, outline=colour, width=line)
        return
    dash = 4 * line
    for start in range(left, right + 1, 2 * dash):
        end = min(start + dash - 1, right)
        draw.rectangle((start, top, end, min(top + line - 1, bottom)), fill=colour)
        draw.rectangle((start, max(bottom - line + 1, top), end, bottom), fill=colour)
    for start in range(top, bottom + 1, 2 * dash):
        end = min(start + dash - 1, bottom)
        draw.rectangle((left, start, min(left + line - 1, right), end), fill=colour)
        draw.rectangle((max(right - line + 1, left), start, right, end), fill=colour)


def _label(name, ending, font, width):
    """Name and ending, the name cut where their plate would be wider than the picture."""
    text, kept = name + ending, name
    while kept and plate_size(text, font)[0] > width:
        kept = kept[:-1]
        text = f"{kept}…{ending}"
    return text


def _free_place(edges, plate_size, size, plates, boxes):
    """Corners of a label's plate inside the picture that touches none of `plates`, or None.

    Of several such places at the box, the first that hides the fewest small boxes is taken.
    """
    left, top, right, bottom = edges
    width, height = plate_size
    middle = (left + right + 1 - width) // 2
    above, below = top - height, bottom + 1
    places = [(x, y) for y in (above, below) for x in (left, right - width + 1, middle)]
    places += [(x, y) for y in (top, bottom - height + 1) for x in (left, right - width + 1)]
    places += [(x, y) for x in (left - width, right + 1) for y in (top, bottom - height + 1)]
    room = np.array(size) - plate_size
    corners = np.maximum(0, np.minimum(places, room))
    # All at once: one by one, they would take most of the time of a drawing.
    candidates = np.hstack([corners, corners + plate_size - 1])
    hidden = np.count_nonzero(_covered(candidates, boxes) > 0.2, axis=1).astype(float)
    hidden[_covered(candidates, plates).any(axis=1)] = np.inf
    best = int(np.argmin(hidden))
    return None if np.isinf(hidden[best]) else tuple(candidates[best].tolist())


def _covered(plates, others):
    """The share that each of `m` plates covers of each of `n` others, as an array `(m, n)`."""
    plates, others = plates[:, None], np.array(others).reshape(-1, 4)
    low = np.maximum(others[:, :2], plates[..., :2])
    high = np.minimum(others[:, 2:], plates[..., 2:]) + 1
    areas = (others[:, 2:] - others[:, :2] + 1).prod(axis=1)
    return np.maximum(high - low, 0).prod(axis=2) / areas


def _check(image, boxes, classes, class_names, scores, is_crowd):
    shape = np.shape(image)
    if len(shape) != 3 or shape[2] != 3:
        raise ValueError(f"A picture must be (height, width, 3). Received: shape {shape}")
    counts = {len(boxes), len(classes), len(scores), len(is_crowd)}
    if len(counts) > 1:
        raise ValueError(
            f"Boxes, classes, scores and crowds must be as many. Received: {len(boxes)}, "
            f"{len(classes)}, {len(scores)}, {len(is_crowd)}"
        )
    if not np.isfinite(boxes).all():
        raise ValueError("A box to draw holds a NaN or an infinity.")
    if len(classes) and not (0 <= classes.min() and classes.max() < len(class_names)):
        raise ValueError(
            f"Classes to draw must be from 0 to {len(class_names) - 1}. Received: "
            f"{classes.min()} to {classes.max()}"
        )
