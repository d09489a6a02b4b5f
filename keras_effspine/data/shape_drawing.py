"""One picture of the embedded data set, drawn from a random generator.

All drawing is integer arithmetic on a grid of samples, several to a pixel, so that the pictures are
the same on every machine. Positions and lengths are counted in units of `UNIT` to a pixel, in which
the samples lie at odd numbers.
"""

import math

import numpy as np
import pycocotools.mask

CLASS_NAMES = ("disc", "ring", "hexagon", "square", "triangle", "star")

SAMPLES = 3  # to a pixel, in each direction
UNIT = 2 * SAMPLES
COSINE = [round(65536 * math.cos(math.radians(degree))) for degree in range(360)]

# A shape with straight edges is what lies on the inner side of at least so many of its lines:
# number of lines, how many of them, their distance from the centre for a circumradius of 1000.
LINES = {
    "hexagon": (6, 6, 866),
    "square": (4, 4, 707),
    "triangle": (3, 3, 500),
    "star": (5, 4, 309),
}
# Its corners: the angle of the first one, in degrees from the first line's, and all their radii.
CORNERS = {
    "disc": (0, [1000] * 36),
    "hexagon": (30, [1000] * 6),
    "square": (45, [1000] * 4),
    "triangle": (60, [1000] * 3),
    "star": (0, [1000, 382] * 5),
}
RING_HOLE = 600  # inner radius, of 1000

TEXTURES = ("flat", "gradient", "stripes", "checks", "noise")
CLUTTER = ("line", "cross", "arc", "scribble", "specks")
DIAMETERS = [round(12 * (130 / 12) ** (step / 31)) for step in range(32)]  # pixels
LONG_SIDES = (240, 273)  # pixels, from and below
SHORT_SIDES = (100, 80, 75, 66, 60)  # percent of the long side
SMALLEST_VISIBLE_SHARE = 40  # percent of a shape that must stay in sight
PERCENT_EMPTY, PERCENT_CROWD = 5, 10
MOST_OBJECTS = 12
PLACES_TRIED = 8
CONTRAST = 170  # least difference of objects to the background, summed over red, green and blue


def draw_picture(generator):
    """Draws one picture and its annotations.

    Args:
        generator: `numpy.random.Generator`; nothing but its `integers` is used.

    Returns:
        A tuple of the pixels, uint8 `(height, width, 3)`, and a list of annotations in COCO's
        notation, without ids: `category_id` (from 1, as in `CLASS_NAMES`), `bbox` (`xywh` in
        pixels, tight around what is visible), `area` (visible pixels), `iscrowd`, `segmentation`.
    """
    long_side = int(generator.integers(*LONG_SIDES))
    short_side = long_side * _pick(generator, SHORT_SIDES) // 100
    sides = (long_side, short_side) if generator.integers(2) else (short_side, long_side)
    canvas = _Canvas(generator, *sides)
    canvas.add_clutter(generator.integers(3, 12))
    if generator.integers(100) >= PERCENT_EMPTY:
        if generator.integers(100) < PERCENT_CROWD:
            canvas.add_crowd()
        for _ in range(generator.integers(1, MOST_OBJECTS + 1 - len(canvas.objects))):
            canvas.add_shape()
    canvas.add_clutter(generator.integers(3))
    return canvas.pixels(), canvas.annotations()


class _Canvas:
    """The samples of a picture, `(rows, columns)`, and which object each of them shows."""

    def __init__(self, generator, width, height):
        self.generator = generator
        self.owner = np.zeros((height * SAMPLES, width * SAMPLES), dtype="int16")  # 0: no object
        self.objects = []  # of each: class name, corners or None, samples of the whole shape
        self.ground = generator.integers(40, 216, size=3)
        xs, ys = _grid(width * SAMPLES, height * SAMPLES)
        self.samples = self._texture(xs, ys, self._ground_colours())
        for _ in range(generator.integers(3)):  # parts of the background look different
            x, y = self._position()
            part = _turn(xs - x, ys - y, self._angle())[0] > 0
            self.samples[part] = self._texture(xs, ys, self._ground_colours())[part]

    def add_shape(self):
        """Draws a shape where it hides no earlier one; if no place is found, draws none."""
        name = _pick(self.generator, CLASS_NAMES)
        radius = _pick(self.generator, DIAMETERS) * UNIT // 2
        angle, colours = self._angle(), self._object_colours()
        for _ in range(PLACES_TRIED):
            place = self._position(margin=radius * 2 // 3)
            mask, window = _cut(
                lambda xs, ys: _inside(name, xs, ys, radius, angle), place, radius, self.owner
            )
            if self._hides_too_much(mask, window):
                continue
            whole = _cut(lambda xs, ys: _inside(name, xs, ys, radius, angle), place, radius)
            corners = _corners(name, place, radius, angle) if name in CORNERS else None
            self.objects.append((name, corners, whole))
            self._paint(mask, window, colours, len(self.objects))
            return
