"""SpineNet's tables and the early form of Eff-SpineNet's."""

import pytest

from keras_effspine.topology.coco_classes import coco_classes
from keras_effspine.topology.eff_spinenet import SPEC, VARIANTS
from keras_effspine.topology.spinenet import SPECS
from keras_effspine.topology.widths import round_width_guarded


def test_the_widths_of_spinenet_are_cut_to_integers():
    spec = SPECS["spinenet"]
    assert {b.level: w for b, w in zip(spec.table.blocks, spec.widths(0.65), strict=True)} == {
        2: 41,
        3: 83,
        4: 166,
        5: 166,
        6: 166,
        7: 166,
    }
    assert (spec.widths(1.3)[0], spec.stem_width_at(1.3)) == (83, 64)


@pytest.mark.parametrize(
    ("multiplier", "widths"),
    [
        (1.0, [8, 16, 24, 40, 80, 112]),
        (0.65, [5, 10, 15, 26, 52, 72]),
        (0.6, [4, 9, 14, 24, 48, 67]),
    ],
)
def test_the_widths_of_mobile_spinenet_and_of_its_stem(multiplier, widths):
    spec = SPECS["spinenet_mobile"]
    by_level = dict(zip((b.level for b in spec.table.blocks), spec.widths(multiplier), strict=True))
    assert [spec.stem_width_at(multiplier), *(by_level[level] for level in range(1, 6))] == widths
    assert by_level[5] == by_level[6] == by_level[7]


def test_the_block_without_a_reader_joins_the_output_of_its_level():
    assert SPECS["spinenet"].table.absorbed() == {15: (12,)}
    assert SPECS["spinenet_mobile"].table.absorbed() == {16: (13,)}


def test_mobile_spinenet_has_the_connections_of_eff_spinenet_and_spinenet_its_own():
    mobile, eff = SPECS["spinenet_mobile"].table, SPEC.table
    assert [b.parents for b in mobile.blocks] == [b.parents for b in eff.blocks]
    assert mobile.outputs == eff.outputs
    kinds = [block.kind for block in SPECS["spinenet"].table.blocks]
    assert (kinds.count("bottleneck"), kinds.count("residual")) == (13, 4)


def test_reduced_widths_are_cut_where_the_code_cuts_them():
    assert [SPECS["spinenet_mobile"].squeeze_excitation_width(n) for n in (8, 24, 39)] == [1, 4, 7]
    assert [SPEC.squeeze_excitation_width(n) for n in (8, 24, 39)] == [2, 5, 8]
    assert SPECS["spinenet"].squeeze_excitation_width(64) is None


def test_the_early_form_has_the_rounded_widths_of_d0_and_a_plain_block_3():
    early = VARIANTS["2020_04"]
    assert early.table.widths == early.widths() == SPEC.widths()
    differing = [
        number
        for number, (a, b) in enumerate(zip(early.table.blocks, SPEC.table.blocks, strict=True), 1)
        if a.parents != b.parents
    ]
    assert differing == [3] and early.table.blocks[2].parents == (2,)
    assert [early.stem_width_at(m) for m in (0.4, 1.0, 1.1, 1.2, 1.4)] == [8, 8, 8, 16, 16]
    assert not early.weighted_fusion and early.symmetric_padding and early.one_step_down


@pytest.mark.parametrize(("width", "rounded"), [(9.6, 16), (8.8, 8), (44.0, 48), (3.2, 8)])
def test_a_width_that_would_lose_more_than_a_tenth_is_rounded_up(width, rounded):
    assert round_width_guarded(width) == rounded


def test_coco_has_80_classes_among_90_ids():
    ids = [number for number, _ in coco_classes()]
    assert len(ids) == len(set(ids)) == len({name for _, name in coco_classes()}) == 80
    assert ids == sorted(ids) and (ids[0], ids[-1]) == (1, 90)
    assert set(range(1, 91)) - set(ids) == {12, 26, 29, 30, 45, 66, 68, 69, 71, 83}
