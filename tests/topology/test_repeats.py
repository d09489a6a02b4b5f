"""Compound scaling of depth."""

import collections
import math

import pytest

from keras_effspine.topology.eff_spinenet import SPEC
from keras_effspine.topology.repeats import scaled_repeats

TABLE = SPEC.table

# Table 2 of arXiv:2010.11426, the block repeats of D1 and D2.
D1 = (2, 2, 1, 1, 2, 2, 2, 1, 1, 2, 1, 2, 1, 1, 1, 1, 1, 1)


@pytest.mark.parametrize("multiplier", [1.26, 1.3, 4 / 3])
def test_table_2_follows_from_the_rule(multiplier):
    assert SPEC.repeats(multiplier) == D1


@pytest.mark.parametrize("multiplier", [1.25, 1.34])
def test_table_2_does_not_follow_from_any_multiplier(multiplier):
    assert SPEC.repeats(multiplier) != D1


def test_the_table_itself_repeats_nothing():
    assert SPEC.repeats() == (1,) * 18


@pytest.mark.parametrize("multiplier", [1.1, 1.5, 2.0, 2.7, 7.0])
def test_levels_are_repeated_uniformly_with_the_remainder_bottom_up(multiplier):
    repeats = SPEC.repeats(multiplier)
    levels = collections.defaultdict(list)
    for block, repeat in zip(TABLE.blocks, repeats, strict=True):
        levels[block.level].append(repeat)
    for level, counts in levels.items():
        if level in SPEC.unscaled_levels:
            assert set(counts) == {1}
            continue
        assert sum(counts) == math.ceil(multiplier * len(counts) - 1e-9)
        assert counts == sorted(counts, reverse=True)
        assert max(counts) - min(counts) <= 1


def test_without_exceptions_every_level_is_repeated():
    assert scaled_repeats(TABLE, 2.0) == (2,) * 18


@pytest.mark.parametrize("multiplier", [0, 0.9, -1, math.inf, math.nan])
def test_a_depth_below_the_table_is_refused(multiplier):
    with pytest.raises(ValueError, match="must be at least 1. Received"):
        SPEC.repeats(multiplier)
