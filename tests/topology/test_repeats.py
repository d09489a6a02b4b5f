"""Compound scaling of depth."""

import collections
import math

import pytest

from keras_effspine.topology.eff_spinenet import TABLE
from keras_effspine.topology.repeats import UNSCALED_LEVELS, scaled_repeats

# Table 2 of arXiv:2010.11426, the block repeats of D1 and D2.
D1 = (2, 2, 1, 1, 2, 2, 2, 1, 1, 2, 1, 2, 1, 1, 1, 1, 1, 1)


@pytest.mark.parametrize("multiplier", [1.26, 1.3, 4 / 3])
def test_table_2_follows_from_the_rule(multiplier):
    assert scaled_repeats(TABLE, multiplier) == D1


@pytest.mark.parametrize("multiplier", [1.25, 1.34])
def test_table_2_does_not_follow_from_any_multiplier(multiplier):
    assert scaled_repeats(TABLE, multiplier) != D1


def test_the_table_itself_repeats_nothing():
    assert scaled_repeats(TABLE, 1.0) == (1,) * 18


@pytest.mark.parametrize("multiplier", [1.1, 1.5, 2.0, 2.7, 7.0])
def test_levels_are_repeated_uniformly_with_the_remainder_bottom_up(multiplier):
    repeats = scaled_repeats(TABLE, multiplier)
    levels = collections.defaultdict(list)
    for block, repeat in zip(TABLE.blocks, repeats, strict=True):
        levels[block.level].append(repeat)
    for level, counts in levels.items():
        if level in UNSCALED_LEVELS:
            assert set(counts) == {1}
            continue
        assert sum(counts) == math.ceil(multiplier * len(counts) - 1e-9)
        assert counts == sorted(counts, reverse=True)
        assert max(counts) - min(counts) <= 1


@pytest.mark.parametrize("multiplier", [0, 0.9, -1, math.inf, math.nan])
def test_a_depth_below_the_table_is_refused(multiplier):
    with pytest.raises(ValueError, match="must be at least 1. Received"):
        scaled_repeats(TABLE, multiplier)
