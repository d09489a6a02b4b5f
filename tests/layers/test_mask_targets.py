"""Masks that are learnt, against masks of the whole picture."""

import numpy as np
import pytest

from keras_effspine.layers.mask_targets import UNKNOWN, MaskTargets
from keras_effspine.topology.labels import IGNORED

HEIGHT, WIDTH, CROP = 96, 128, 112


def discs(centers, radii):
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    return np.array(
        [
            ((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 <= 1
            for (cy, cx), (ry, rx) in zip(centers, radii, strict=True)
        ]
    )


CENTERS, RADII = np.array([[40, 50], [60, 90.0]]), np.array([[30, 20], [16, 30.0]])
PLANES = discs(CENTERS, RADII)
BOXES = np.concatenate([CENTERS - RADII, CENTERS + RADII], axis=-1).astype("float32")


def sample(plane, box, size):
    """The pixel of the plane at the middle of each bin; 0 outside."""
    places = [
        np.floor(low + (np.arange(size) + 0.5) * (high - low) / size).astype(int)
        for low, high in ((box[0], box[2]), (box[1], box[3]))
    ]
    padded = np.pad(plane, 200)
    return padded[np.ix_(places[0] + 200, places[1] + 200)]


CROPS = np.array([sample(p, b, CROP) for p, b in zip(PLANES, BOXES, strict=True)], "uint8")


def targets(regions, matched, boxes=BOXES, crops=CROPS, size=28):
    regions = np.array([regions], "float32")
    found = MaskTargets(size)(regions, np.array([matched], "int32"), boxes[None], crops[None])
    return np.asarray(found["masks"])[0], np.asarray(found["known"])[0]


def test_of_the_box_itself_they_are_its_crop_made_smaller():
    masks, known = targets(BOXES, [0, 1])
    small = CROPS.reshape(2, 28, 4, 28, 4)[:, :, 1:3, :, 1:3].mean((2, 4)) >= 0.5
    np.testing.assert_array_equal(masks, small)
    np.testing.assert_array_equal(known, 1)


@pytest.mark.parametrize("seed", range(4))
def test_of_any_region_they_are_what_the_whole_mask_shows_there(seed):
    random = np.random.default_rng(seed)
    matched = random.integers(0, 2, 12)
    regions = BOXES[matched] + random.uniform(-12, 12, (12, 4))
    masks, _ = targets(regions, matched)
    for mask, region, index in zip(masks, regions, matched, strict=True):
        expected = sample(PLANES[index], region, 28)
        # A bin at the edge may fall on either side.
        assert (mask != expected).mean() < 0.06
        assert 0.2 < mask.mean() < 1


def test_a_mask_that_is_not_known_is_said_so():
    assert UNKNOWN == IGNORED
    crops = CROPS.copy()
    crops[1] = UNKNOWN
    _, known = targets(BOXES[[0, 1, 1]], [0, 1, 1], crops=crops)
    assert known.tolist() == [1, 0, 0]


def test_numbers_are_finite_for_boxes_without_area_and_for_none():
    boxes = np.array([[10, 10, 10, 40], [5, 5, 6, 6]], "float32")
    # The index after the last box stands for no box.
    for kept in (2, 0):
        masks, _ = targets(
            [[10, 10, 10, 40], [0, 0, 90, 90]], [0, kept], boxes[:kept], CROPS[:kept]
        )
        assert np.isin(masks, (0, 1)).all()
