"""Masks as run lengths, beside pycocotools."""

import json

import numpy as np
import pycocotools.mask
import pytest
from pycocotools.coco import COCO

from keras_effspine.data.run_lengths import crop_run_lengths, decoded, run_lengths_of

HEIGHT, WIDTH = 30, 40
RANDOM = np.random.default_rng(0)
PLANE = RANDOM.uniform(size=(HEIGHT, WIDTH)) < 0.4
COMPRESSED = pycocotools.mask.encode(np.asfortranarray(PLANE, "uint8"))


def counts_of(plane):
    flat = np.concatenate([[False], plane.T.ravel(), [False]]).astype("int8")
    edges = np.flatnonzero(np.diff(flat))
    return np.diff(edges, prepend=0, append=plane.size).tolist()


NOTATIONS = {
    "one polygon": [[2.0, 3.0, 12.5, 3.0, 12.0, 13.0, 2.0, 13.0]],
    "two polygons": [[2.0, 3.0, 12.5, 3.0, 12.0, 13.0], [20.0, 20.0, 50.0, 20.0, 30.0, 40.0]],
    "counts as a list": {"size": [HEIGHT, WIDTH], "counts": counts_of(PLANE)},
    "compressed text": {**COMPRESSED, "counts": COMPRESSED["counts"].decode()},
    "compressed bytes": COMPRESSED,
}


@pytest.mark.parametrize("name", NOTATIONS)
def test_annotated_masks_are_what_cocos_own_code_makes_of_them(name):
    mask = NOTATIONS[name]
    coco = COCO()
    coco.imgs = {1: {"height": HEIGHT, "width": WIDTH}}
    expected = coco.annToRLE({"image_id": 1, "segmentation": mask})
    found = run_lengths_of(mask, WIDTH, HEIGHT)
    np.testing.assert_array_equal(decoded(found), pycocotools.mask.decode(expected) > 0)
    json.dumps(found)
    if "counts" in name or "compressed" in name:
        np.testing.assert_array_equal(decoded(found), PLANE)


@pytest.mark.parametrize("mask", [[[1.0, 2.0]], {"size": [3, 4], "counts": [12]}, "mask"])
def test_a_mask_that_does_not_fit_is_refused(mask):
    with pytest.raises(ValueError, match="mask"):
        run_lengths_of(mask, WIDTH, HEIGHT)


@pytest.mark.parametrize(
    ("left", "top", "columns", "rows", "share"),
    [
        (3, 4, 20, 11, 0.5),
        (0, 0, WIDTH, HEIGHT, 0.5),
        (0, 0, WIDTH, HEIGHT, 1.0),
        (5, 0, 7, HEIGHT, 0.9),
        (WIDTH - 1, HEIGHT - 1, 1, 1, 1.0),
        (7, 7, 5, 5, 0.0),
        (9, 9, 0, 0, 0.0),
    ],
)
def test_a_crop_gives_what_the_whole_plane_is_encoded_to(left, top, columns, rows, share):
    crop = np.random.default_rng(1).uniform(size=(rows, columns)) < share
    plane = np.zeros((HEIGHT, WIDTH), "uint8", order="F")
    plane[top : top + rows, left : left + columns] = crop
    expected = pycocotools.mask.encode(plane)
    found = crop_run_lengths(crop, left, top, WIDTH, HEIGHT)
    assert found == {"size": [HEIGHT, WIDTH], "counts": expected["counts"].decode()}
