"""Equations 2 to 4 of the paper: from a resource distribution to the width of each block."""

import math

from keras_effspine.topology import eff_spinenet


def round_width(width):
    """Nearest multiple of 8, ties up, at least 8."""
    return max(8, math.floor(width / 8 + 0.5 + 1e-9) * 8)


def block_costs(table, widths=None):
    """Cost `F_i` of each block up to a common factor (equation 2): `H_i W_i c_i^2`.

    `2 r` is left out, since every block has the same expansion ratio and only ratios matter.

    Args:
        table: `BlockTable`.
        widths: channels of each block; None takes the table's own.
    """
    widths = table.widths if widths is None else widths
    return tuple(
        width**2 / 4**block.level for block, width in zip(table.blocks, widths, strict=True)
    )


def distribution_scale(table, betas):
    """`F_t / sum_k(beta_k F_k)` with `F_t = sum_k F_k` (equations 3 and 4).

    The published distribution has a constant of its own, `DISTRIBUTION_SCALE`.
    """
    if table is eff_spinenet.TABLE and tuple(betas) == eff_spinenet.BETAS:
        return eff_spinenet.DISTRIBUTION_SCALE
    costs = block_costs(table)
    return sum(costs) / sum(beta * cost for beta, cost in zip(betas, costs, strict=True))


def scaled_widths(table, betas=None, multiplier=1.0):
    """Widths of a model: `round8(multiplier * sqrt(scale * beta_i) * width_i)`.

    The paper's scaled models multiply the unrounded widths and round once.

    Args:
        table: `BlockTable`.
        betas: one positive number a block, its share of resources; None keeps the table's widths.
        multiplier: the model's feature dimension multiplier (Table 2).

    Returns:
        Tuple of integers, one a block.

    Raises:
        ValueError: if there is not one positive beta a block, or the multiplier is not positive.
    """
    if not 0 < multiplier < math.inf:
        raise ValueError(f"The width multiplier must be positive. Received: {multiplier}")
    if betas is None:
        return tuple(round_width(multiplier * width) for width in table.widths)
    if len(betas) != len(table.blocks) or not all(0 < b < math.inf for b in betas):
        raise ValueError(
            f"Table '{table.name}' needs {len(table.blocks)} positive betas, one a block. "
            f"Received: {betas}"
        )
    scale = distribution_scale(table, betas)
    return tuple(
        round_width(multiplier * math.sqrt(scale * beta) * width)
        for beta, width in zip(betas, table.widths, strict=True)
    )
