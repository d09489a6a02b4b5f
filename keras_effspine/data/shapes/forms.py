"""Forms and textures of the embedded data set, in integers.

Pictures are drawn on a grid of samples, several to a pixel. Positions and lengths are counted in
units of `UNIT` to a pixel, in which the samples lie at odd numbers. Integers, and a table in place
of trigonometry, make the pictures the same on every machine.
"""

import math

import numpy as np

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


def grid(columns: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the positions of samples: x `(1, columns)` and y `(rows, 1)`."""
    xs, ys = (2 * np.arange(count, dtype="int32") + 1 for count in (columns, rows))
    return xs[None], ys[:, None]


def project(xs: np.ndarray, ys: np.ndarray, angle: int) -> np.ndarray:
    """Returns how far points lie in the direction of an angle, in degrees."""
    return xs * COSINE[angle % 360] + ys * COSINE[(angle - 90) % 360] >> 16


def inside(name: str, xs: np.ndarray, ys: np.ndarray, size, angle: int) -> np.ndarray:
    """Returns which points, relative to the middle of a form, lie inside of it.

    Args:
        name: a class name, or `"bar"` or `"arc"`.
        xs: integer array `(1, columns)` or `(columns,)`.
        ys: integer array `(rows, 1)`.
        size: the circumradius, or the pair of a bar's half length or an arc's radius, and half
            their width.
        angle: in degrees.

    Returns:
        A bool array `(rows, columns)`.
    """
    if name in LINES:
        lines, needed, distance = LINES[name]
        limit = size * distance // 1000
        turned = (project(xs, ys, angle + 360 // lines * line) for line in range(lines))
        return sum((along <= limit).view("int8") for along in turned) >= needed
    squares = xs * xs + ys * ys
    if name == "disc":
        return squares <= size**2
    if name == "ring":
        return (squares <= size**2) & (squares > (size * RING_HOLE // 1000) ** 2)
    length, width = size
    along = project(xs, ys, angle)
    if name == "bar":
        return (abs(along) <= length) & (abs(project(xs, ys, angle + 90)) <= width)
    in_band = (squares <= (length + width) ** 2) & (squares > max(length - width, 0) ** 2)
    return in_band & (along > length // 4)


def outline(name: str, place: tuple[int, int], radius: int, angle: int) -> list[float] | None:
    """Returns a shape's corners `[x0, y0, x1, y1, ...]` in pixels; None for a ring, which has none.

    Args:
        name: a class name.
        place: x and y of the middle, in units.
        radius: the circumradius, in units.
        angle: in degrees, as for `inside`.
    """
    if name not in CORNERS:
        return None
    start, radii = CORNERS[name]
    corners = []
    for index, share in enumerate(radii):
        towards = angle + start + 360 // len(radii) * index
        for middle, turn in zip(place, (0, 90), strict=True):
            offset = radius * share * COSINE[(towards - turn) % 360]
            corners.append(round((middle + offset / (1000 * 65536)) / UNIT, 2))
    return corners


def fill(
    generator: np.random.Generator, xs: np.ndarray, ys: np.ndarray, colours: np.ndarray
) -> np.ndarray:
    """Returns the samples of a random texture, each somewhere between two colours.

    Args:
        generator: `numpy.random.Generator`.
        xs: integer array `(1, columns)`, positions of the samples.
        ys: integer array `(rows, 1)`.
        colours: integer array `(2, 3)` from 0 to 255.

    Returns:
        A uint8 array `(rows, columns, 3)`.
    """
    kind, angle = TEXTURES[int(generator.integers(len(TEXTURES)))], int(generator.integers(360))
    period = int(generator.integers(3, 10)) * UNIT
    shape = (ys.size, xs.size)
    share: np.ndarray = np.zeros(shape, dtype="int32")  # of the second colour, of 256
    if kind == "gradient" and share.size:
        along = project(xs, ys, angle)
        share = (along - along.min()) * 256 // max(int(along.max() - along.min()), 1)
    elif kind == "stripes":
        share = (project(xs, ys, angle) // period & 1) * 256
    elif kind == "checks":
        along, across = (project(xs, ys, angle + turn) // period for turn in (0, 90))
        share = (along + across & 1) * 256
    elif kind == "noise":
        share = generator.integers(257, size=[side // SAMPLES + 1 for side in shape])
        share = share.repeat(SAMPLES, axis=0).repeat(SAMPLES, axis=1)[: shape[0], : shape[1]]
    first, second = colours
    palette = first + (np.arange(257)[:, None] * (second - first) >> 8)
    return palette.astype("uint8").take(share, axis=0)
