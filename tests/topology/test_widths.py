"""Widths of the blocks, from the paper's distribution of resources."""

import dataclasses
import itertools
import math

import pytest

from keras_effspine.topology.block_table import STEM, Block, BlockTable
from keras_effspine.topology.eff_spinenet import SPEC
from keras_effspine.topology.widths import (
    block_costs,
    distribution_scale,
    round_width,
    scaled_widths,
)

TABLE, BETAS = SPEC.table, SPEC.betas

# Table 1 of arXiv:2010.11426, column Eff-SpineNet-D0, blocks 1 to 18.
D0 = (16, 24, 16, 16, 104, 48, 120, 40, 120, 168, 96, 192, 136, 104, 40, 136, 136, 40)


def test_the_published_distribution_gives_table_1_exactly():
    assert SPEC.widths() == D0


def test_equation_4_itself_gives_table_1_as_well():
    costs = block_costs(TABLE)
    scale = sum(costs) / sum(beta * cost for beta, cost in zip(BETAS, costs, strict=True))
    assert scale == pytest.approx(0.0780, abs=5e-5)
    assert scale == distribution_scale(TABLE, BETAS)
    assert scale * SPEC.target == pytest.approx(5 / 64, rel=1e-12)
    by_hand = tuple(
        round_width(math.sqrt(scale * beta) * width)
        for beta, width in zip(BETAS, TABLE.widths, strict=True)
    )
    assert by_hand == D0


@pytest.mark.parametrize(
    ("multiplier", "widths"),
    [
        (0.4, (8, 8, 8, 8, 40, 24, 48, 16, 48, 64, 40, 80, 56, 40, 16, 56, 56, 16)),
        (0.5, (8, 8, 8, 8, 48, 24, 64, 24, 64, 80, 48, 96, 64, 48, 24, 64, 64, 24)),
        (0.8, (8, 16, 16, 16, 80, 40, 96, 32, 96, 128, 80, 152, 104, 80, 32, 104, 104, 32)),
        (1.0, D0),
        (1.1, (16, 24, 16, 16, 112, 56, 136, 48, 136, 184, 104, 208, 144, 112, 48, 144, 144, 48)),
    ],
)
def test_scaled_models_multiply_the_unrounded_widths(multiplier, widths):
    assert SPEC.widths(multiplier) == widths


def test_without_betas_the_table_keeps_its_widths():
    expected = (16, 24, 24, 24, 96, 40, 96, 152, 96, 152, 152, 152, 152, 96, 40, 152, 152, 152)
    assert scaled_widths(TABLE, None) == expected == TABLE.widths


def test_another_distribution_keeps_the_total_cost():
    betas = [3, *BETAS[1:]]
    scale = distribution_scale(TABLE, betas)
    costs = block_costs(TABLE)
    assert sum(scale * b * c for b, c in zip(betas, costs, strict=True)) == pytest.approx(
        sum(costs)
    )


@pytest.mark.parametrize("multiplier", [0.4, 0.5, 0.8, 1.0, 1.1, 1.2, 1.4])
@pytest.mark.parametrize("factor", [1 - 1e-9, 1 + 1e-9, 7.0])
def test_the_published_distribution_is_no_exception_to_its_neighbours(factor, multiplier):
    """A step away from it changes no width, nor do other units of the betas."""
    near = [beta * factor for beta in BETAS]
    assert dataclasses.replace(SPEC, betas=near).widths(multiplier) == SPEC.widths(multiplier)
    unrounded = [
        dataclasses.replace(SPEC, betas=betas, rounded=float).widths(multiplier)
        for betas in (BETAS, [BETAS[0] * (1 + 1e-6), *BETAS[1:]])
    ]
    assert unrounded[1] == pytest.approx(unrounded[0], rel=1e-6)
    assert unrounded[1] != unrounded[0]


def test_equal_betas_change_nothing():
    assert scaled_widths(TABLE, [7.5] * 18) == TABLE.widths


@pytest.mark.parametrize(
    ("width", "rounded"), [(0.1, 8), (8, 8), (11.99, 8), (12, 16), (20, 24), (19.99, 16), (44, 48)]
)
def test_widths_round_to_the_nearest_multiple_of_8_and_ties_go_up(width, rounded):
    assert round_width(width) == rounded


@pytest.mark.parametrize(
    "betas",
    [
        BETAS[:17],
        (*BETAS, 1),
        (0, *BETAS[1:]),
        (-1, *BETAS[1:]),
        (math.nan, *BETAS[1:]),
        [math.inf] * 18,
    ],
)
def test_betas_that_are_not_one_positive_number_a_block_are_refused(betas):
    with pytest.raises(ValueError, match="needs 18 positive betas"):
        scaled_widths(TABLE, betas)


@pytest.mark.parametrize("multiplier", [0, -1.0, math.nan, math.inf])
def test_a_multiplier_that_is_no_positive_number_is_refused(multiplier):
    with pytest.raises(ValueError, match="multiplier must be positive"):
        scaled_widths(TABLE, BETAS, multiplier)


def test_costs_follow_the_level_and_the_square_of_the_width():
    table = BlockTable(
        "two", (Block(1, (STEM,), "mbconv", 8), Block(2, (1,), "mbconv", 16)), ((2, 2),)
    )
    first, second = block_costs(table)
    assert first == second


def distributions_with(widths, choices):
    """All assignments of betas that give these widths by equation 4, by an exhaustive search.

    Whether a beta fits its block depends on the others through one number alone, the scale. It is
    cut into intervals within which the same betas fit, and within each only those are combined.
    """
    costs = block_costs(TABLE)
    edges = {0.0}
    for block, width in zip(TABLE.blocks, widths, strict=True):
        for beta in choices:
            edges |= {((width + d) / block.width) ** 2 / beta for d in (-4, 4)}
    found = set()
    edges = sorted(edges)
    for low, high in zip(edges, edges[1:], strict=False):
        middle = (low + high) / 2
        fitting = [
            [b for b in choices if round_width(math.sqrt(middle * b) * block.width) == width]
            for block, width in zip(TABLE.blocks, widths, strict=True)
        ]
        for betas in itertools.product(*fitting):
            scale = sum(costs) / sum(b * cost for b, cost in zip(betas, costs, strict=True))
            if low <= scale < high:
                found.add(betas)
    return found


def test_one_other_distribution_gives_table_1_too():
    other = (10, 10, 5, 5, 15, 15, 20, 1, 20, 15, 5, 20, 10, 15, 10, 10, 10, 1)
    assert distributions_with(D0, (1, 5, 10, 15, 20)) == {BETAS, other}
    assert distribution_scale(TABLE, other) == pytest.approx(0.0814, abs=5e-5)
