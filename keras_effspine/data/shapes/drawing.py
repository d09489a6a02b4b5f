"""One picture of the embedded data set, drawn from a random generator.

Positions and lengths are in the units of `shape_forms`, unless a comment says otherwise.
"""

from collections.abc import Sequence

import numpy as np
import pycocotools.mask

from keras_effspine.data.shapes.forms import (
    COSINE,
    SAMPLES,
    UNIT,
    fill,
    grid,
    inside,
    outline,
    project,
)

CLASS_NAMES = ("disc", "ring", "hexagon", "square", "triangle", "star")

CLUTTER = ("line", "cross", "arc", "scribble", "specks")
DIAMETERS = [round(12 * (130 / 12) ** (step / 31)) for step in range(32)]  # pixels
LONG_SIDES = (240, 273)  # pixels, from and below
SHORT_SIDES = (100, 80, 75, 66, 60)  # percent of the long side
SMALLEST_VISIBLE_SHARE = 40  # percent of a shape that must stay in sight
PERCENT_EMPTY, PERCENT_CROWD = 5, 10
MOST_OBJECTS = 12
PLACES_TRIED = 8
CONTRAST = 170  # least difference of objects to the background, summed over red, green and blue


def draw_image(generator: np.random.Generator) -> tuple[np.ndarray, list[dict]]:
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
    canvas.add_clutter(int(generator.integers(3, 12)))
    if generator.integers(100) >= PERCENT_EMPTY:
        if generator.integers(100) < PERCENT_CROWD:
            canvas.add_crowd()
        for _ in range(generator.integers(1, MOST_OBJECTS + 1 - len(canvas.objects))):
            canvas.add_shape()
    canvas.add_clutter(int(generator.integers(3)))
    return canvas.pixels(), canvas.annotations()


class _Canvas:
    """The samples of a picture, `(rows, columns)`, and which object each of them shows."""

    def __init__(self, generator: np.random.Generator, width: int, height: int):
        self.generator = generator
        self.owner = np.zeros((height * SAMPLES, width * SAMPLES), dtype="int16")  # 0: no object
        # Of each: class name, corners or None, samples of the whole shape.
        self.objects: list[tuple[str, list[float] | None, int]] = []
        self.in_sight = np.zeros(MOST_OBJECTS + 1, dtype="int64")  # samples of each object
        self.ground = generator.integers(40, 216, size=3)
        xs, ys = grid(width * SAMPLES, height * SAMPLES)
        self.samples = fill(self.generator, xs, ys, self._ground_colours())
        for _ in range(generator.integers(3)):  # parts of the background look different
            x, y = self._position()
            part = project(xs - x, ys - y, self._angle()) > 0
            texture = fill(self.generator, xs, ys, self._ground_colours())
            np.copyto(self.samples, texture, where=part[..., None])

    def add_shape(self) -> None:
        """Draws a shape where it leaves the earlier ones in sight; without such a place, none."""
        name = _pick(self.generator, CLASS_NAMES)
        radius = _pick(self.generator, DIAMETERS) * UNIT // 2
        angle, colours = self._angle(), self._object_colours()
        for _ in range(PLACES_TRIED):
            place = self._position(margin=radius * 2 // 3)
            mask, window, whole = self._cut(name, place, radius, angle)
            if self._leaves_in_sight(mask, window):
                self.objects.append((name, outline(name, place, radius, angle), whole))
                self._paint(mask, window, colours, len(self.objects))
                return

    def add_crowd(self) -> None:
        """Draws a dense group of tiny discs, which is one object."""
        colours = self._object_colours()
        x, y = self._position(margin=30 * UNIT)
        reach = int(self.generator.integers(16, 36)) * UNIT
        number = len(self.objects) + 1
        for _ in range(self.generator.integers(25, 50)):
            dx, dy = (int(d) for d in self.generator.integers(-reach, reach + 1, size=2))
            if dx * dx + dy * dy <= reach * reach:
                radius = int(self.generator.integers(2 * UNIT, 4 * UNIT))
                shades = colours + self.generator.integers(-25, 26, size=(2, 3))
                mask, window, _ = self._cut("disc", (x + dx, y + dy), radius, 0)
                self._paint(mask, window, shades.clip(0, 255), number)
        self.objects.append(("disc", None, int(self.in_sight[number])))

    def add_clutter(self, count: int) -> None:
        """Draws things that are no objects: strokes, crosses, arcs, scribbles, specks."""
        for _ in range(count):
            kind = _pick(self.generator, CLUTTER)
            (x, y), angle, colours = self._position(), self._angle(), self._object_colours()
            length = int(self.generator.integers(6, 50)) * UNIT  # half of it, or a radius
            width = int(self.generator.integers(UNIT // 2, 2 * UNIT))  # half of it
            parts: list[tuple[str, tuple[int, int], int | tuple[int, int], int]] = []
            if kind == "line":
                parts = [("bar", (x, y), (length, width), angle)]
            elif kind == "cross":
                arms = (length // 2, width)
                parts = [("bar", (x, y), arms, angle), ("bar", (x, y), arms, angle + 90)]
            elif kind == "arc":
                parts = [("arc", (x, y), (length, width), angle)]
            elif kind == "specks":
                spots = self.generator.integers(-2 * length, 2 * length + 1, size=(20, 2)).tolist()
                parts = [("disc", (x + dx, y + dy), UNIT, 0) for dx, dy in spots]
            else:
                for turn in self.generator.integers(-80, 81, size=6).tolist():
                    angle, step = angle + turn, length // 3
                    parts.append(("bar", (x, y), (step, width), angle))
                    x += 2 * step * COSINE[angle % 360] >> 16
                    y += 2 * step * COSINE[(angle - 90) % 360] >> 16
            for part in parts:
                mask, window, _ = self._cut(*part)
                if self._leaves_in_sight(mask, window):
                    self._paint(mask, window, colours, 0)

    def pixels(self) -> np.ndarray:
        """Returns the picture, uint8 `(height, width, 3)`: the mean over the samples of a pixel."""
        rows, columns = self.owner.shape
        sums = np.zeros((rows // SAMPLES, columns // SAMPLES, 3), dtype="int16")
        for row in range(SAMPLES):
            for column in range(SAMPLES):
                sums += self.samples[row::SAMPLES, column::SAMPLES]
        grain = self.generator.integers(-4, 5, size=sums.shape)
        return (sums // SAMPLES**2 + grain).clip(0, 255).astype("uint8")

    def annotations(self) -> list[dict]:
        """Returns the annotations; a pixel belongs to the object that its middle sample shows.

        The whole outline of a shape gives its box to a fraction of a pixel, a mask to a pixel.
        """
        owner = self.owner[SAMPLES // 2 :: SAMPLES, SAMPLES // 2 :: SAMPLES]
        annotations = []
        for number, (name, corners, whole) in enumerate(self.objects, start=1):
            mask = owner == number
            xs: Sequence[float]
            ys: Sequence[float]
            if corners and self.in_sight[number] == whole:
                segmentation = [corners]
                xs, ys = corners[::2], corners[1::2]
            else:
                segmentation = pycocotools.mask.encode(np.asfortranarray(mask, dtype="uint8"))
                segmentation["counts"] = segmentation["counts"].decode("ascii")
                xs, ys = (np.flatnonzero(mask.any(axis=axis)).tolist() for axis in (0, 1))
                xs, ys = [xs[0], xs[-1] + 1], [ys[0], ys[-1] + 1]
            sides = [round(max(line) - min(line), 2) for line in (xs, ys)]
            annotations.append(
                {
                    "category_id": CLASS_NAMES.index(name) + 1,
                    "bbox": [min(xs), min(ys), *sides],
                    "area": int(mask.sum()),
                    "iscrowd": int(name == "disc" and corners is None),
                    "segmentation": segmentation,
                }
            )
        return annotations

    def _cut(self, name, place, size, angle):
        """Returns a form's mask, the window it lies in, and its samples, outside ones included."""
        reach = sum(size) if isinstance(size, tuple) else size
        rows, columns = (
            np.arange((middle - reach) // 2, (middle + reach) // 2 + 1, dtype="int32")
            for middle in place[::-1]
        )
        mask = inside(
            name, 2 * columns + 1 - place[0], 2 * rows[:, None] + 1 - place[1], size, angle
        )
        kept = [
            slice(*np.searchsorted(line, (0, side)))
            for line, side in zip((rows, columns), self.owner.shape, strict=True)
        ]
        window = tuple(
            slice(max(int(line[0]), 0), max(int(line[-1]) + 1, 0)) for line in (rows, columns)
        )
        return mask[tuple(kept)], window, int(mask.sum())

    def _leaves_in_sight(self, mask, window):
        hidden = np.bincount(self.owner[window][mask], minlength=len(self.in_sight))
        return all(
            100 * (self.in_sight[number] - hidden[number]) >= SMALLEST_VISIBLE_SHARE * whole
            for number, (_, _, whole) in enumerate(self.objects, start=1)
            if hidden[number]
        )

    def _paint(self, mask, window, colours, number):
        self.in_sight -= np.bincount(self.owner[window][mask], minlength=len(self.in_sight))
        self.in_sight[number] += mask.sum()
        self.owner[window][mask] = number
        xs, ys = grid(*mask.shape[::-1])
        np.copyto(
            self.samples[window], fill(self.generator, xs, ys, colours), where=mask[..., None]
        )

    def _ground_colours(self):
        return (self.ground + self.generator.integers(-40, 41, size=(2, 3))).clip(0, 255)

    def _object_colours(self):
        while True:
            first = self.generator.integers(256, size=3)
            second = (first + self.generator.integers(-70, 71, size=3)).clip(0, 255)
            colours = np.stack([first, second])
            if (abs(colours - self.ground).sum(axis=1) >= CONTRAST).all():
                return colours

    def _position(self, margin=0):
        rows, columns = self.owner.shape
        return tuple(
            int(self.generator.integers(min(margin, side), max(2 * side - margin, side + 1)))
            for side in (columns, rows)
        )

    def _angle(self):
        return int(self.generator.integers(360))


def _pick(generator, choices):
    return choices[int(generator.integers(len(choices)))]
