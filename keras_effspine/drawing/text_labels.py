"""Words on plates of colour."""

import math

import numpy as np


def plate_size(text, font):
    """Width and height of the plate of a text in pixels."""
    ascent, descent = font.getmetrics()
    return math.ceil(font.getlength(text)) + 2 * _margin(font), ascent + descent


def draw_plate(draw, plate, text, font, colour):
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


def _margin(font):
    return math.ceil(font.size / 4)


def _ink(colour):
    """Black or white, whichever reads better on the colour."""
    luminance = np.dot(colour, (0.299, 0.587, 0.114))
    return (0, 0, 0) if luminance > 125 else (255, 255, 255)
