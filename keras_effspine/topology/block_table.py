"""An architecture as a table: which block lies at which level and takes its input from where."""

import dataclasses

STEM = 0
"""The parent of a block that reads the stem convolution's output."""


@dataclasses.dataclass(frozen=True)
class Block:
    """One row of a block table.

    Args:
        level: feature level; level `l` has stride `2**l`.
        parents: 1-based numbers of the blocks it takes its input from, or `(STEM,)`. A block with
            one parent follows it in sequence; a block with more resamples and fuses them.
        kind: what the block computes, by the name under which the builder knows it.
        width: number of output channels before any scaling; a bottleneck has four times as many.
    """

    level: int
    parents: tuple[int, ...]
    kind: str
    width: int


@dataclasses.dataclass(frozen=True)
class BlockTable:
    """The blocks of a scale-permuted network in the order in which they are computed.

    Args:
        name: name of the table.
        blocks: rows; block numbers in `parents` and `outputs` count from 1.
        outputs: block number of each output level, as `((level, block), ...)` by rising level.
        stem_level: level of the stem's output: 1, that of a convolution of stride 2, or 2, where a
            max pooling follows it.

    Raises:
        ValueError: if the stem has another level, a parent does not precede its block, a block
            follows in sequence a smaller map, or an output does not lie at its level.
    """

    name: str
    blocks: tuple[Block, ...]
    outputs: tuple[tuple[int, int], ...]
    stem_level: int = 1

    def __post_init__(self) -> None:
        if self.stem_level not in (1, 2):
            raise ValueError(
                f"The stem of table '{self.name}' must lie at level 1 or 2. "
                f"Received: stem_level={self.stem_level}"
            )
        for number, block in enumerate(self.blocks, start=1):
            if not block.parents or not all(STEM <= p < number for p in block.parents):
                raise ValueError(
                    f"Block {number} of table '{self.name}' must have parents among the blocks "
                    f"before it. Received: parents={block.parents}"
                )
            if len(block.parents) == 1 and block.level < self.level_of(block.parents[0]):
                raise ValueError(
                    f"Block {number} of table '{self.name}' has one parent, which it follows in "
                    "sequence without upsampling: it must not lie below it. "
                    f"Received: level {block.level} after level {self.level_of(block.parents[0])}"
                )
        for level, number in self.outputs:
            if not 1 <= number <= len(self.blocks) or self.blocks[number - 1].level != level:
                raise ValueError(
                    f"Output P{level} of table '{self.name}' must be a block of level {level}. "
                    f"Received: block {number}"
                )

    @property
    def widths(self) -> tuple[int, ...]:
        """The blocks' widths before any scaling."""
        return tuple(block.width for block in self.blocks)

    def level_of(self, number: int) -> int:
        """Level of a block by its number, or of the stem."""
        return self.stem_level if number == STEM else self.blocks[number - 1].level

    def inputs_of(self, number: int) -> tuple[int, ...]:
        """Numbers of all blocks that a block reads: its parents, and those that it absorbs."""
        return self.blocks[number - 1].parents + self.absorbed().get(number, ())

    def absorbed(self) -> dict[int, tuple[int, ...]]:
        """Blocks that an output block adds to its inputs because nothing else reads them.

        The public SpineNet code joins each block without an outgoing connection to the next output
        block of its level, so that no block is computed in vain.

        Returns:
            Dictionary from output block number to a tuple of absorbed block numbers.
        """
        outputs = {number for _, number in self.outputs}
        read = {parent for block in self.blocks for parent in block.parents}
        joined = {}
        for number in sorted(outputs):
            level = self.blocks[number - 1].level
            idle = tuple(
                other
                for other in range(1, number)
                if other not in read | outputs and self.blocks[other - 1].level == level
            )
            if idle:
                joined[number] = idle
                read.update(idle)
        return joined
