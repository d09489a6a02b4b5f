"""Shapes that people draw on pictures, as a box and the polygon of a mask."""

import math

import numpy as np

_CIRCLE_POINTS = 64

Shape = tuple[list[float], list[list[float]] | dict | None, float | None]
"""A box, `xywh`; the polygons or run lengths of the mask; and its area."""


def polygon_shape(points: np.ndarray) -> Shape:
    """Box, mask and area of a polygon.

    Args:
        points: float array `(n, 2)`, at least three points in pixels.

    Returns:
        Tuple of the box, `xywh`; the mask, a list of one polygon; and its area.
    """
    x, y = points.T
    area = abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2
    return box_around(points), [points.reshape(-1).tolist()], area


def ellipse_shape(x: float, y: float, x_radius: float, y_radius: float, turn: float = 0) -> Shape:
    """As `polygon_shape`, of an ellipse around `(x, y)` whose first axis is turned, in radians."""
    angles = np.linspace(0, 2 * math.pi, _CIRCLE_POINTS, endpoint=False)
    across, along = x_radius * np.cos(angles), y_radius * np.sin(angles)
    points = [
        x + across * math.cos(turn) - along * math.sin(turn),
        y + across * math.sin(turn) + along * math.cos(turn),
    ]
    return polygon_shape(np.stack(points, axis=1))


def turned_rectangle(
    left: float, top: float, width: float, height: float, turn: float, is_around_middle: bool
) -> Shape:
    """The box around a rectangle that is turned, clockwise and in degrees.

    Args:
        left, top, width, height: of the rectangle before it is turned, in pixels.
        turn: its angle.
        is_around_middle: whether it is turned around its middle, otherwise around its first corner.
    """
    corners = np.array([[0.0, 0.0], [width, 0.0], [width, height], [0.0, height]])
    pivot = np.array([width, height]) / 2 * is_around_middle
    cosine, sine = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    turned = (corners - pivot) @ np.array([[cosine, sine], [-sine, cosine]]) + pivot
    return box_around(turned + [left, top]), None, None


def box_around(points: np.ndarray) -> list[float]:
    """The box, `xywh`, around points `(n, 2)`."""
    low = points.min(axis=0)
    return np.concatenate([low, points.max(axis=0) - low]).tolist()


def finite_numbers(values: object) -> list[float] | None:
    """A list of floats, or None where a value is no finite number."""
    if not isinstance(values, list):
        return None
    if not all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values):
        return None
    try:
        values = [float(value) for value in values]
    except OverflowError:  # an integer beyond the largest float
        return None
    # What is larger than any picture is no place in one, and its square must be a number too.
    return values if all(abs(value) < 1e9 for value in values) else None
