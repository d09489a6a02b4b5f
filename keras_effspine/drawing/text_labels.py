"""Words on plates of colour."""

import math
from typing import cast

import numpy as np
from PIL import ImageDraw, ImageFont

Plate = tuple[int, int, int, int]
"""Corners `(left, top, right, bottom)` in pixels."""


def text_font(size: int) -> ImageFont.FreeTypeFont:
    """The font of all texts, of a size in pixels."""
    # Without FreeType, which would give another class, Pillow refuses the size.
    return cast(ImageFont.FreeTypeFont, ImageFont.load_default(size=size))


def plate_size(text: str, font: ImageFont.FreeTypeFont) -> tuple[int, int]:
    """Width and height of the plate of a text in pixels."""
    ascent, descent = font.getmetrics()
    return math.ceil(font.getlength(text)) + 2 * _margin(font), ascent + descent


def draw_plate(
    draw: ImageDraw.ImageDraw,
    plate: Plate,
    text: str,
    font: ImageFont.FreeTypeFont,
    colour: tuple[int, int, int],
) -> None:
    """Draws a plate with a text on it, in black or white, whichever reads better.

    Args:
        draw: `PIL.ImageDraw.ImageDraw`.
        plate: corners `(left, top, right, bottom)`, of the size that `plate_size` says.
        text: string.
        font: `PIL.ImageFont.FreeTypeFont`.
        colour: tuple `(red, green, blue)` of the plate.
    """
    draw.rectangle(plate, fill=colour)
    draw.text((plate[0] + _margin(font), plate[1]), text, fill=_ink(colour), font=font)


def _margin(font: ImageFont.FreeTypeFont) -> int:
    return math.ceil(font.size / 4)


def _ink(colour):
    """Black or white, whichever reads better on the colour."""
    luminance = np.dot(colour, (0.299, 0.587, 0.114))
    return (0, 0, 0) if luminance > 125 else (255, 255, 255)
