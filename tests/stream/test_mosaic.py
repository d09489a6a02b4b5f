"""Four pictures side by side."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_effspine.stream.mosaic import join_tiles, mosaic_tiles


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 300), st.integers(0, 2**31 - 1))
def test_the_tiles_cover_the_canvas_once_and_none_is_a_sliver(canvas, seed):
    covered = np.zeros((canvas, canvas), int)
    for (top, left), (height, width) in mosaic_tiles(canvas, (seed, 0)):
        covered[top : top + height, left : left + width] += 1
        assert min(height, width) >= max(1, canvas // 4 - 1)
    assert (covered == 1).all()


@pytest.mark.parametrize("with_labels", [True, False])
def test_joined_tiles_keep_their_pixels_boxes_and_masks_together(with_labels):
    canvas, generator = 20, np.random.default_rng(0)
    tiles = mosaic_tiles(canvas, (5, 0))
    samples, wanted = [], np.zeros((canvas, canvas))
    for number, ((top, left), (height, width)) in enumerate(tiles):
        boxes = np.array([[1, 0, 3, 2]] * number, "float32").reshape(-1, 4)
        sample = {
            "image": generator.uniform(size=(height, width, 3)).astype("float32"),
            "boxes": boxes,
            "classes": np.full(number, number, "int32"),
            "crowds": np.array([[0, 0, 2, 1]], "float32"),
        }
        masks = np.full((number, 4, 4), number, "uint8")
        if with_labels:
            sample |= {"masks": masks, "semantic": np.full((height, width), number, "uint8")}
        samples.append(sample)
        wanted[top : top + height, left : left + width] = number
    corners = [corner for corner, _ in tiles]
    whole = {key: value.numpy() for key, value in join_tiles(samples, corners, canvas).items()}
    assert whole["image"].shape == (canvas, canvas, 3)
    assert whole["classes"].tolist() == [1, 2, 2, 3, 3, 3]
    assert len(whole["crowds"]) == 4
    for sample, (top, left) in zip(samples, corners, strict=True):
        height, width = sample["image"].shape[:2]
        part = whole["image"][top : top + height, left : left + width]
        np.testing.assert_array_equal(part, sample["image"])
    for box, index in zip(whole["boxes"], whole["classes"], strict=True):
        top, left = np.array(corners[index])
        np.testing.assert_array_equal(box, [left + 1, top, left + 3, top + 2])
    if not with_labels:
        assert set(whole) == {"image", "boxes", "classes", "crowds"}
        return
    np.testing.assert_array_equal(whole["semantic"], wanted)
    assert whole["masks"].shape == (6, 4, 4)
    assert whole["masks"][:, 0, 0].tolist() == [1, 2, 2, 3, 3, 3], "each with its box"
