"""Equations 2 to 4 of the paper: from a resource distribution to the width of each block."""

import math
from collections.abc import Callable, Sequence

from keras_effspine.topology.block_table import BlockTable


def round_width(width: float) -> int:
    """Nearest multiple of 8, ties up, at least 8."""
    return max(8, math.floor(width / 8 + 0.5 + 1e-9) * 8)


def round_to_integer(width: float) -> int:
    """Nearest integer, ties up."""
    return math.floor(width + 0.5 + 1e-9)


def round_width_guarded(width: float) -> int:
    """Nearest multiple of 8 as in `round_width`, and the next one where that loses more than 10 %.

    It is `round_filters` of the public detection code.
    """
    rounded = round_width(width)
    return rounded + 8 if rounded < 0.9 * width else rounded


def block_costs(table: BlockTable, widths: Sequence[float] | None = None) -> tuple[float, ...]:
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


def distribution_scale(table: BlockTable, betas: Sequence[float]) -> float:
    """`F_t / sum_k(beta_k F_k)` with `F_t = sum_k F_k` (equations 3 and 4)."""
    costs = block_costs(table)
    return sum(costs) / sum(beta * cost for beta, cost in zip(betas, costs, strict=True))


def scaled_widths(
    table: BlockTable,
    betas: Sequence[float] | None = None,
    multiplier: float = 1.0,
    target: float = 1.0,
    rounded: Callable[[float], int] = round_width,
) -> tuple[int, ...]:
    """Widths of a model: `rounded(multiplier * sqrt(target * scale * beta_i) * width_i)`.

    The paper's scaled models multiply the unrounded widths and round once.

    Args:
        table: `BlockTable`.
        betas: one positive number a block, its share of resources; None keeps the table's widths.
        multiplier: the model's feature dimension multiplier (Table 2).
        target: the computation that betas distribute over that of the table's own widths.
        rounded: the width of a block from its unrounded one.

    Raises:
        ValueError: if there is not one positive beta a block, or the multiplier is not positive.
    """
    if not 0 < multiplier < math.inf:
        raise ValueError(f"The width multiplier must be positive. Received: {multiplier}")
    if betas is None:
        return tuple(rounded(multiplier * width) for width in table.widths)
    if len(betas) != len(table.blocks) or not all(0 < b < math.inf for b in betas):
        raise ValueError(
            f"Table '{table.name}' needs {len(table.blocks)} positive betas, one a block. "
            f"Received: {betas}"
        )
    scale = target * distribution_scale(table, betas)
    return tuple(
        rounded(multiplier * math.sqrt(scale * beta) * width)
        for beta, width in zip(betas, table.widths, strict=True)
    )


def extreme_widths(
    table: BlockTable,
    choices: Sequence[float],
    multiplier: float = 1.0,
    target: float = 1.0,
    rounded: Callable[[float], int] = round_width,
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The least and the most channels that each block has with any betas from a set.

    A block is widest where its own beta is the greatest and all others are the least. No single
    network is as wide, or as narrow, as that in all of its blocks.

    Args:
        table, multiplier, target, rounded: as in `scaled_widths`.
        choices: the set.

    Returns:
        Pair of tuples, one int a block each.
    """
    ends = min(choices), max(choices)
    return tuple(  # type: ignore[return-value]  # mypy counts no generators
        tuple(
            scaled_widths(
                table,
                [own if other == block else others for other in range(len(table.blocks))],
                multiplier,
                target,
                rounded,
            )[block]
            for block in range(len(table.blocks))
        )
        for own, others in (ends, ends[::-1])
    )
