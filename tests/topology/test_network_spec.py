"""Networks as values, and what they refuse."""

import dataclasses
import math

import pytest

from keras_effspine.topology.block_table import STEM, Block, BlockTable
from keras_effspine.topology.eff_spinenet import SPEC
from keras_effspine.topology.network_spec import NetworkSpec


def table(*levels, outputs=((3, 3),)):
    """Blocks in sequence at these levels, 20 channels each."""
    blocks = tuple(Block(level, (n,), "mbconv", 20) for n, level in enumerate(levels))
    assert blocks[0].parents == (STEM,)
    return BlockTable("small", blocks, outputs)


def test_an_ablation_is_the_network_with_one_other_value():
    plain = dataclasses.replace(SPEC, weighted_fusion=False)
    assert plain != SPEC
    assert plain.widths() == SPEC.widths()
    assert dataclasses.replace(plain, weighted_fusion=True) == SPEC


def test_widths_follow_the_networks_own_rule():
    spec = NetworkSpec(table(1, 2, 3), stem_width=4, rounded=int)
    assert spec.widths(0.49) == (9, 9, 9)
    assert dataclasses.replace(spec, target=4.0, betas=(1, 1, 1)).widths() == (40, 40, 40)
    uneven = dataclasses.replace(spec, betas=(1, 1, 2), rounded=float).widths()
    assert uneven[2] / uneven[0] == pytest.approx(math.sqrt(2))


def test_repeats_leave_out_the_levels_that_are_not_scaled():
    spec = NetworkSpec(table(1, 2, 3), stem_width=4, unscaled_levels=(3,))
    assert spec.repeats(2.0) == (2, 2, 1)


@pytest.mark.parametrize("p2_block", [None, 2])
def test_p2_is_a_block_of_level_2_or_none(p2_block):
    assert NetworkSpec(table(1, 2, 3), stem_width=4, p2_block=p2_block).p2_block == p2_block


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"stem_width": 0}, "`stem_width` must be a positive int. Received: stem_width=0"),
        ({"stem_width": 8.0}, "`stem_width` must be a positive int"),
        ({"stem_kernel_size": -3}, "`stem_kernel_size` must be"),
        ({"expansion": 0}, "`expansion` must be"),
        ({"endpoint_width": 0}, "`endpoint_width` must be"),
        ({"squeeze_excitation_ratio": 0}, "`squeeze_excitation_ratio` must be positive, or None"),
        ({"squeeze_excitation_ratio": math.nan}, "`squeeze_excitation_ratio` must be"),
        ({"fusion_epsilon": 0.0}, "`fusion_epsilon` must be positive. Received"),
        ({"target": -1}, "`target` must be positive"),
        ({"p2_block": 1}, "`p2_block` must be a block of level 2 of table 'small', or None"),
        ({"p2_block": 0}, "`p2_block` must be a block"),
        ({"p2_block": 4}, "`p2_block` must be a block"),
        ({"betas": (1, 2)}, "'small' needs 3 positive betas"),
        ({"betas": (1, 2, 0)}, "'small' needs 3 positive betas"),
        ({"table": table(1, 2, 3, outputs=())}, "Table 'small' must have an output"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_value_that_does_not_fit_is_named(values, message):
    with pytest.raises(ValueError, match=message):
        NetworkSpec(**{"table": table(1, 2, 3), "stem_width": 8, **values})
