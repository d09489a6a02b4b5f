"""The published numbers."""

import dataclasses

import pytest

from keras_effspine.topology.eff_spinenet import SPEC
from keras_effspine.topology.published import Published, published_rows


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("0.67", [0.665, 0.671, 0.675], [0.664, 0.676]),
        ("3.6", [3.55, 3.649], [3.737]),
        ("16.0", [15.98], [16.06]),
    ],
)
def test_a_number_knows_what_rounds_to_it(text, inside, outside):
    number = Published.parse(text)
    assert str(number) == text
    assert all(number.holds(value) for value in inside)
    assert not any(number.holds(value) for value in outside)


def test_an_empty_cell_is_no_number():
    assert Published.parse("") is None


def test_all_rows_of_the_paper_are_there():
    rows = published_rows()
    assert len(rows) == 42
    assert {row.table for row in rows} == {3, 6, 7, 8, 9, 10, 11, None}
    d0 = next(row for row in rows if row.title == "Eff-SpineNet-D0" and row.table == 3)
    assert (d0.parameters.value, d0.multiply_adds.value, d0.accuracy.value) == (3.6, 2.5, 34.7)
    assert next(row for row in rows if row.table == 11).parameters is None


@pytest.mark.parametrize(
    ("model", "architecture"),
    [
        ("d0", ("d0", {})),
        ("d0_no_s2d", ("d0", {"use_space_to_depth": False})),
        (
            "d0_no_s2d_no_fusion",
            ("d0", {"use_space_to_depth": False, "weighted_fusion": False}),
        ),
    ],
)
def test_a_row_says_what_an_ablation_changes(model, architecture):
    row = next(row for row in published_rows() if row.model == model)
    assert row.architecture() == architecture
    assert dataclasses.replace(SPEC, **architecture[1])  # its names are the network's
