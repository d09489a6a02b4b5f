"""`effspine profile`."""

import dataclasses
import json

import pytest

from keras_effspine.profiling import against_paper
from keras_effspine.topology.published import published_rows

pytestmark = pytest.mark.integration


@pytest.fixture
def one_row(monkeypatch):
    """Leaves one row of the paper that is built and one that is not: building all takes long."""
    row = next(r for r in published_rows() if (r.task, r.model) == ("retinanet", "m0"))
    rows = [row, dataclasses.replace(row, task="depth")]
    monkeypatch.setattr(against_paper, "published_rows", lambda: rows)


def test_a_model_is_counted_by_part(effspine, tmp_path):
    ended = effspine("profile", "--preset", "m0", "--out", tmp_path / "m0.json")
    assert ended.status == 0
    assert "m0, detection of 91 classes at 256 px" in ended.out
    for part in ("stem", "resampling", "heads", "total"):
        assert part in ended.out
    assert "670,808" in ended.out
    written = json.loads((tmp_path / "m0.json").read_text())
    assert written["total"]["parameters"] == 670_808
    assert sum(one["macs"] for one in written["by_level"].values()) == written["total"]["macs"]


def test_a_classifier_is_the_papers_at_its_own_size(effspine):
    ended = effspine("profile", "--preset", "m0", "--task", "classification", "--by", "part")
    assert ended.status == 0
    assert "m0, classification of 1000 classes at 224 px" in ended.out


def test_published_numbers_stand_beside_the_counted_ones(one_row, effspine, tmp_path):
    ended = effspine("profile", "--paper", "--out", tmp_path / "paper.json")
    assert ended.status == 0
    assert "not built" in ended.out
    assert "inside rounding: 1 of 2 published numbers" in ended.out
    assert ended.out.count("rounding are fits") == 1  # why, of the row that differs
    rows = json.loads((tmp_path / "paper.json").read_text())
    (m0,) = (row for row in rows if row["task"] == "retinanet")
    assert [check["inside_rounding"] for check in m0["checks"]] == [True, False]


def test_strict_ends_with_status_1_while_a_number_is_outside(one_row, effspine):
    assert effspine("profile", "--paper", "--strict").status == 1


def test_figures_are_drawn_into_a_folder(effspine, tmp_path):
    ended = effspine("profile", "--figures", tmp_path / "drawn", "--format", "png")
    assert ended.status == 0
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == [
        "figure_1.png",
        "figure_3.png",
        "figure_4.png",
        "graph.png",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--preset", "d9"], "Unknown preset 'd9'. Known presets: n0, n1, m0, m0_cifar10"),
        (["--image-size", "0"], "Invalid value for '--image-size'"),
        (["--classes", "0"], "Invalid value for '--classes'"),
        (["--task", "dance"], "unknown task; there are: detection"),
        (["--by", "color"], "--by color: there are part, level, block, kind, layer."),
        (["--strict"], "--strict belongs to --paper"),
        (["--figures", "x", "--format", "gif"], "--format gif: there are svg, png."),
    ],
)
def test_a_mistake_is_one_line_that_names_what_is_possible(effspine, arguments, message):
    ended = effspine("profile", *arguments)
    assert ended.status == 2
    assert message in ended.err
    assert "Traceback" not in ended.err
