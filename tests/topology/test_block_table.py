"""Block tables and what they refuse."""

import pytest

from keras_effspine.topology.block_table import STEM, Block, BlockTable
from keras_effspine.topology.eff_spinenet import SPEC

TABLE = SPEC.table


def block(level, *parents):
    return Block(level, parents, "mbconv", 8)


def test_eff_spinenet_absorbs_only_block_13_into_block_16():
    assert TABLE.absorbed() == {16: (13,)}


def test_eff_spinenet_is_connected_as_published():
    levels = [1, 2, 2, 2, 4, 3, 4, 6, 4, 5, 7, 5, 5, 4, 3, 5, 7, 6]
    assert [b.level for b in TABLE.blocks] == levels
    assert [b.parents for b in TABLE.blocks[:2]] == [(STEM,), (1,)]
    assert [b.parents for b in TABLE.blocks[2:]] == [
        *((1, 2), (2, 3), (2, 3), (4, 5), (4, 6), (5, 7), (5, 7), (8, 9)),
        *((8, 10), (10, 11), (10, 12), (7, 12), (6, 12), (9, 14), (7, 16), (14, 16)),
    ]
    assert dict(TABLE.outputs) == {3: 15, 4: 14, 5: 16, 6: 18, 7: 17}


def test_p2_is_the_last_block_of_level_2():
    assert SPEC.p2_block == max(n for n, b in enumerate(TABLE.blocks, 1) if b.level == 2)


@pytest.mark.parametrize("parents", [(), (2,), (3,), (-1,), (1, 2)])
def test_a_block_must_come_after_its_parents(parents):
    with pytest.raises(ValueError, match=r"Block 2 of table 'bad' must have parents"):
        BlockTable("bad", (block(1, STEM), Block(2, parents, "mbconv", 8)), ((1, 1),))


def test_a_block_in_sequence_cannot_be_larger_than_what_it_follows():
    with pytest.raises(ValueError, match=r"Block 2 of table.*Received: level 2 after level 3"):
        BlockTable("bad", (block(3, STEM), block(2, 1)), ((2, 2),))
    with pytest.raises(ValueError, match=r"Block 1 of table.*Received: level 0 after level 1"):
        BlockTable("bad", (block(0, STEM),), ((0, 1),))


def test_an_output_must_lie_at_its_level():
    with pytest.raises(ValueError, match=r"Output P3 of table 'bad'.*Received: block 1"):
        BlockTable("bad", (block(2, STEM),), ((3, 1),))


@pytest.mark.parametrize("number", [0, -1, 2])
def test_an_output_must_be_a_block_of_the_table(number):
    with pytest.raises(ValueError, match="Output P2 of table 'bad'"):
        BlockTable("bad", (block(2, STEM),), ((2, number),))


def test_a_block_that_another_reads_is_not_absorbed():
    table = BlockTable("t", (block(2, STEM), block(2, 1), block(2, 2)), ((2, 3),))
    assert table.absorbed() == {}


def test_an_idle_block_joins_the_next_output_of_its_level_once():
    blocks = (block(3, STEM), block(3, STEM), block(3, 1), block(4, 1, 3), block(3, 1, 4))
    table = BlockTable("t", blocks, ((3, 5), (4, 4)))
    assert table.absorbed() == {5: (2,)}


def test_an_idle_block_of_a_level_without_a_later_output_stays_idle():
    table = BlockTable("t", (block(3, STEM), block(2, STEM), block(3, 1)), ((3, 3),))
    assert table.absorbed() == {}
