"""Pictures side by side, with captions."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from keras_effspine.drawing.text_labels import text_font

_PAPER = (255, 255, 255)
_INK = (30, 30, 30)
_LARGEST_CELL = 640


def image_grid(
    rows: Sequence[Sequence[np.ndarray]],
    captions: Sequence[Sequence[str]] | None = None,
    cell_size: tuple[int, int] | None = None,
) -> np.ndarray:
    """Puts pictures into one, in rows and columns.

    Each picture is scaled to fit a cell of the same size, keeping its proportions, and stands in
    the middle of its column. A row is as tall as its tallest picture.

    Args:
        rows: list of rows, each a list of uint8 arrays `(height, width, 3)`. Rows may differ in
            length; the cells that remain are left blank.
        captions: list of rows of strings, one a picture, written above it; None leaves them out.
        cell_size: `(height, width)` of a cell in pixels; by default the largest height and the
            largest width of the pictures, scaled down together to at most 640.

    Returns:
        uint8 array `(height, width, 3)`.

    Raises:
        ValueError: if there is no picture, one is not uint8 `(height, width, 3)`, or the captions
            are not one for each picture.
    """
    _check(rows, captions)
    height, width = cell_size or _default_cell_size(rows)
    gap = max(2, round(width / 80))
    font = text_font(max(10, round(width / 28)))
    header = 0 if captions is None else sum(font.getmetrics()) + gap
    scaled = [[_scaled(cell, height, width) for cell in row] for row in rows]
    heights = [max((cell.height for cell in row), default=0) for row in scaled]
    columns = max(len(row) for row in rows)
    paper = Image.new(
        "RGB",
        (gap + columns * (width + gap), gap + sum(heights) + len(rows) * (header + gap)),
        _PAPER,
    )
    draw = ImageDraw.Draw(paper)
    top = gap
    for row, cells in enumerate(scaled):
        for column, cell in enumerate(cells):
            middle = gap + column * (width + gap) + width // 2
            if captions is not None:
                text = _shortened(captions[row][column], font, width)
                draw.text((middle, top), text, fill=_INK, font=font, anchor="ma")
            paper.paste(cell, (middle - cell.width // 2, top + header))
        top += header + heights[row] + gap
    return np.array(paper)


def _default_cell_size(rows):
    height = max(cell.shape[0] for row in rows for cell in row)
    width = max(cell.shape[1] for row in rows for cell in row)
    scale = min(1.0, _LARGEST_CELL / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def _scaled(cell, height, width):
    image = Image.fromarray(cell)
    scale = min(height / image.height, width / image.width)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image if size == image.size else image.resize(size, Image.Resampling.LANCZOS)


def _shortened(text, font, width):
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}…") > width:
        text = text[:-1]
    return f"{text}…"


def _check(rows, captions):
    cells = [cell for row in rows for cell in row]
    if not cells:
        raise ValueError("A grid needs at least one picture.")
    for cell in cells:
        shape, dtype = np.shape(cell), getattr(cell, "dtype", type(cell))
        if len(shape) != 3 or shape[2] != 3 or 0 in shape or dtype != np.uint8:
            raise ValueError(
                f"Pictures of a grid must be uint8 (height, width, 3). Received: {dtype} {shape}"
            )
    if captions is not None and [len(row) for row in captions] != [len(row) for row in rows]:
        raise ValueError("A grid with captions needs one for each picture, in the same rows.")
