"""Predicted masks in the pixels of their picture."""

import numpy as np
import pytest

from keras_effspine.data.run_lengths import decoded
from keras_effspine.results.mask_pasting import paste_mask

WIDTH, HEIGHT = 90, 70
SMOOTH = np.add.outer(np.linspace(-1, 1, 28) ** 2, np.linspace(-1, 1, 28) ** 2) < 0.9


def slow(mask, box):
    """Pixel by pixel, interpolated at its middle."""
    plane = np.zeros((HEIGHT, WIDTH), bool)
    for y, x in np.ndindex(HEIGHT, WIDTH):
        if not (box[0] <= x + 0.5 <= box[2] and box[1] <= y + 0.5 <= box[3]):
            continue
        at = [
            np.clip((middle - low) / (high - low) * 28 - 0.5, 0, 27)
            for middle, low, high in ((y + 0.5, box[1], box[3]), (x + 0.5, box[0], box[2]))
        ]
        low = np.floor(at).astype(int)
        high, (dy, dx) = np.minimum(low + 1, 27), np.array(at) - low
        above = mask[low[0], low[1]] * (1 - dx) + mask[low[0], high[1]] * dx
        below = mask[high[0], low[1]] * (1 - dx) + mask[high[0], high[1]] * dx
        plane[y, x] = above * (1 - dy) + below * dy >= 0.5
    return plane


@pytest.mark.parametrize(
    "box",
    [
        (10.0, 20.0, 50.0, 44.0),
        (10.3, 20.7, 17.1, 23.9),
        (-30.5, -12.0, 60.0, 100.0),
        (80.2, 60.1, 140.0, 90.0),
        (0.0, 0.0, 90.0, 70.0),
        (33.2, 33.2, 33.4, 60.0),
    ],
)
def test_each_pixel_is_what_the_mask_says_at_its_middle(box):
    mask = SMOOTH + np.random.default_rng(0).uniform(-0.4, 0.4, (28, 28))
    found = paste_mask(mask.astype("float32"), np.array(box), WIDTH, HEIGHT)
    # Where the value is a half to rounding, either is right.
    assert (decoded(found) != slow(mask.astype("float32"), box)).sum() <= 1


@pytest.mark.parametrize(
    "box", [(10, 10, 10, 30), (20, 20, 10, 30), (100, 10, 120, 30), (-9, -9, -2, -2)]
)
def test_a_box_without_area_or_beside_the_picture_has_no_pixels(box):
    found = paste_mask(np.ones((28, 28)), np.array(box, "float64"), WIDTH, HEIGHT)
    assert found["size"] == [HEIGHT, WIDTH]
    assert not decoded(found).any()
