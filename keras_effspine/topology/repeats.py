"""Compound scaling of depth (3.1 of the paper): from a multiplier to the repeats of each block."""

import math
from collections.abc import Collection

from keras_effspine.topology.block_table import BlockTable


def scaled_repeats(
    table: BlockTable, multiplier: float = 1.0, unscaled_levels: Collection[int] = ()
) -> tuple[int, ...]:
    """How often each block is repeated at a depth multiplier.

    A level with `n` blocks has `ceil(multiplier * n)` after scaling, as EfficientNet rounds
    (arXiv:1905.11946). They repeat the level's blocks uniformly, and the remainder is added one by
    one from the first block of the level on.

    Args:
        table: `BlockTable`.
        multiplier: number of blocks of a level over those of the table, at least 1.
        unscaled_levels: levels whose blocks are never repeated.

    Raises:
        ValueError: if the multiplier is below 1 or not finite.
    """
    if not 1 <= multiplier < math.inf:
        raise ValueError(f"The depth multiplier must be at least 1. Received: {multiplier}")
    repeats = [1] * len(table.blocks)
    for level in {block.level for block in table.blocks} - set(unscaled_levels):
        at_level = [index for index, block in enumerate(table.blocks) if block.level == level]
        wanted = math.ceil(multiplier * len(at_level) - 1e-9)
        uniform, remainder = divmod(wanted, len(at_level))
        for place, index in enumerate(at_level):
            repeats[index] = uniform + (place < remainder)
    return tuple(repeats)
