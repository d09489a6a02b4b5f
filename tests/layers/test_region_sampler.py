"""The regions that the second stage learns from."""

import numpy as np
import pytest

from keras_effspine.layers.boxes import decode_boxes
from keras_effspine.layers.region_sampler import RegionSampler

NOTHING = [-1.0] * 4
BOXES = np.array(
    [
        [[5, 7, 30, 31], [10, 40, 60, 90], [20, 20, 21, 21]],
        [[40, 50, 40, 70], NOTHING, NOTHING],  # without area
        [NOTHING] * 3,  # as where all objects are crowds
    ],
    "float32",
)
CLASSES = np.array([[0, 2, 1], [1, -1, -1], [-1, -1, -1]], "float32")


def random_proposals(count=40, padding=5, seed=0):
    random = np.random.default_rng(seed)
    low = random.uniform(0, 60, (3, count, 2))
    proposals = np.concatenate([low, low + random.uniform(4, 50, (3, count, 2))], axis=-1)
    proposals[0, :12] = BOXES[0, 1] + random.uniform(-4, 4, (12, 4))
    proposals[0, 12] = BOXES[0, 0]
    proposals[:, count - padding :] = 0
    return proposals.astype("float32")


def sampled(proposals=None, boxes=BOXES, classes=CLASSES, **arguments):
    layer = RegionSampler(**{"seed": 0, **arguments})
    proposals = random_proposals() if proposals is None else proposals
    return {name: np.asarray(x) for name, x in layer(proposals, boxes, classes).items()}


def overlaps(regions, boxes):
    low = np.maximum(regions[:, None, :2], boxes[:, :2])
    high = np.minimum(regions[:, None, 2:], boxes[:, 2:])
    both = np.prod(np.maximum(high - low, 0), -1)
    areas = [np.prod(x[..., 2:] - x[..., :2], -1) for x in (regions[:, None], boxes)]
    return both / np.maximum(areas[0] + areas[1] - both, 1e-9)


def test_foreground_is_what_overlaps_a_box_by_half_and_learns_that_box():
    found = sampled(count=200)  # more than there are
    found = {name: x[0] for name, x in found.items()}
    foreground, drawn = found["foreground"] == 1, found["sampled"] == 1
    overlap = overlaps(found["regions"], BOXES[0])
    np.testing.assert_array_equal(foreground, drawn & (overlap.max(1) >= 0.5))
    assert foreground.sum() > 10
    assert drawn.sum() == 35 + 3
    matched = overlap.argmax(1)[foreground]
    np.testing.assert_array_equal(found["matched"][foreground], matched)
    np.testing.assert_array_equal(found["classes"][foreground], CLASSES[0, matched] + 1)
    np.testing.assert_array_equal(found["classes"][~foreground], 0)
    boxes = decode_boxes(found["deltas"][foreground], found["regions"][foreground])
    np.testing.assert_allclose(boxes, BOXES[0, matched], atol=1e-3)
    np.testing.assert_array_equal(found["deltas"][~foreground], 0)
    # The foreground comes first: masks are learnt of the first regions.
    assert foreground[: foreground.sum()].all()


def test_places_without_a_region_are_nobodys_background():
    found = sampled(count=200)
    for row, regions in enumerate((38, 35, 35)):
        assert found["sampled"][row].sum() == regions
        padding = found["sampled"][row] == 0
        np.testing.assert_array_equal(found["regions"][row][padding], 0)
        np.testing.assert_array_equal(found["foreground"][row][padding], 0)


@pytest.mark.parametrize("count", [8, 20])
def test_a_quarter_at_most_is_foreground_and_the_rest_background(count):
    found = sampled(count=count)
    np.testing.assert_array_equal(found["sampled"], 1)
    assert found["foreground"].sum(1).tolist() == [count // 4, 0, 0]
    assert RegionSampler(count).most_foreground == count // 4


def test_a_perfect_match_stays_in_the_box_loss():
    """The public code drops targets that are all below 1e-6."""
    found = sampled(count=200)
    differences = np.abs(found["regions"][0][:, None] - BOXES[0]).max(-1)
    exact = (differences == 0).any(1)
    assert exact.sum() == 4  # the boxes themselves, and a proposal
    np.testing.assert_array_equal(found["foreground"][0][exact], 1)
    np.testing.assert_allclose(found["deltas"][0][exact], 0, atol=1e-5)


@pytest.mark.parametrize("padding", [0, 40])
def test_numbers_are_finite_without_boxes_proposals_or_area(padding):
    for boxes, classes in ((BOXES, CLASSES), (BOXES[:, :0], CLASSES[:, :0])):
        found = sampled(random_proposals(padding=padding), boxes, classes, count=16)
        for name, values in found.items():
            assert np.isfinite(values).all(), name
    assert not found["foreground"].any()


def test_each_step_draws_others_and_a_seed_the_same():
    layer = RegionSampler(count=8, seed=1)
    copy = RegionSampler.from_config(layer.get_config())
    draws = [np.asarray(layer(random_proposals(), BOXES, CLASSES)["regions"]) for _ in range(2)]
    assert (draws[0] != draws[1]).any()
    found = copy(random_proposals(), BOXES, CLASSES)["regions"]
    np.testing.assert_array_equal(found, draws[0])
