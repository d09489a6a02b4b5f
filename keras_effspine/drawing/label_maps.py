"""Label maps: drawn on their picture, and as a picture of their own."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from keras_effspine.drawing.detections import class_colour
from keras_effspine.drawing.text_labels import draw_plate, plate_size, text_font
from keras_effspine.topology.labels import IGNORED

_STRENGTH = 0.55
_BACKGROUND = "background"
_SMALLEST_NAMED = 0.004  # share of the picture
_BLURS = (40, 20, 10, 4)  # pixels of a picture of at most 96 to 191
_IGNORED_COLOUR = (224, 224, 192)  # VOC's


def draw_label_map(
    image: np.ndarray, classes: np.ndarray, class_names: Sequence[str]
) -> np.ndarray:
    """Tints each class in its colour, with its name in the midst of it.

    What is ignored, and the class "background", keep the picture's colours. Classes that cover less
    than 0.4 % of the picture are not named. Text takes at least 9 pixels, so enlarge small pictures
    before drawing.

    Args:
        image: array `(height, width, 3)`, RGB from 0 to 255.
        classes: uint8 `(height, width)`, class indices, 255 where there is none.
        class_names: the names of all classes.

    Returns:
        uint8 array `(height, width, 3)`.

    Raises:
        ValueError: if the map has not the picture's size, or holds a class without a name.
    """
    if np.shape(image) != (*np.shape(classes), 3):
        raise ValueError(
            "A label map must have its picture's size. "
            f"Received: {np.shape(classes)} for a picture {np.shape(image)}"
        )
    shown = [int(index) for index in np.unique(classes) if index != IGNORED]
    if shown and shown[-1] >= len(class_names):
        raise ValueError(
            f"Classes to draw must be from 0 to {len(class_names) - 1}. Received: {shown[-1]}"
        )
    tinted_image = np.clip(image, 0, 255).astype("float32")
    shown = [index for index in shown if class_names[index] != _BACKGROUND]
    colours = np.zeros((256, 3), "float32")
    for index in shown:
        colours[index] = class_colour(index)
    tinted = np.isin(classes, shown)
    mixed = (1 - _STRENGTH) * tinted_image + _STRENGTH * colours[classes]
    tinted_image = np.where(tinted[..., None], mixed, tinted_image)
    tinted_image[_edges(classes) & tinted] = 255
    drawn = Image.fromarray(tinted_image.round().astype("uint8"))
    _write_names(drawn, classes, shown, class_names)
    return np.array(drawn)


def label_image(classes: np.ndarray, class_names: Sequence[str]) -> Image.Image:
    """A label map as a palette picture: the values are class indices, the palette their colours.

    Args:
        classes: uint8 `(height, width)`, class indices, 255 where there is none.
        class_names: the names of all classes; "background" is black, as in VOC.

    Returns:
        `PIL.Image.Image` of mode `"P"`.
    """
    palette = np.zeros((256, 3), "uint8")
    for index, name in enumerate(class_names):
        palette[index] = (0, 0, 0) if name == _BACKGROUND else class_colour(index)
    palette[IGNORED] = _IGNORED_COLOUR
    tinted_image = Image.fromarray(np.ascontiguousarray(classes, "uint8"))
    tinted_image.putpalette(palette.tobytes())
    return tinted_image


def _edges(classes):
    """Whether the pixel below or to the right is of another class, bool `(height, width)`."""
    edges = np.zeros(classes.shape, bool)
    edges[:-1] |= classes[:-1] != classes[1:]
    edges[:, :-1] |= classes[:, :-1] != classes[:, 1:]
    return edges


def _write_names(drawn, classes, shown, class_names):
    draw = ImageDraw.Draw(drawn)
    font = text_font(max(9, round((drawn.width * drawn.height) ** 0.5 / 40)))
    for index in shown:
        mask = classes == index
        if mask.mean() < _SMALLEST_NAMED:
            continue
        text = class_names[index]
        width, height = plate_size(text, font)
        x, y = _midst(mask)
        left = max(0, min(x - width // 2, drawn.width - width))
        top = max(0, min(y - height // 2, drawn.height - height))
        plate = (left, top, left + width - 1, top + height - 1)
        draw_plate(draw, plate, text, font, class_colour(index))


def _midst(mask):
    """A place `(x, y)` deep inside of a mask."""
    height, width = mask.shape
    step = max(1, max(mask.shape) // 96)
    # A margin outside of the picture keeps the place away from its edges.
    small = np.pad(mask[::step, ::step].astype("uint8") * 255, _BLURS[0])
    # Blurred over smaller and smaller squares, a mask is whitest where most of it is around.
    depth = sum(
        np.asarray(Image.fromarray(small).filter(ImageFilter.BoxBlur(radius)), "float32")
        for radius in _BLURS
    )
    depth[small == 0] = -1
    equals = np.argwhere(depth == depth.max())
    y, x = equals[np.abs(equals - equals.mean(axis=0)).sum(axis=1).argmin()] - _BLURS[0]
    return int(x) * step, int(y) * step
