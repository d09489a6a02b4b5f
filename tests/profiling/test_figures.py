"""The paper's figures."""

import re
import sys

import pytest
from PIL import Image

from keras_effspine.errors import ProfilingError
from keras_effspine.profiling.figures import draw_figures

pytest.importorskip("matplotlib")

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Text of each figure, by its name."""
    folder = tmp_path_factory.mktemp("figures") / "new"
    return {path.stem: path.read_text() for path in draw_figures(folder)}


def words(svg):
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def test_all_figures_are_drawn(drawn):
    assert set(drawn) == {"graph", "figure_1", "figure_3", "figure_4"}


def test_the_graph_shows_every_block_with_its_channels_and_the_outputs(drawn):
    shown = words(drawn["graph"])
    assert {"P3", "P4", "P5", "P6", "P7", "10", "13", "168", "192"} <= set(shown)
    assert shown.count("136") == 3
    # Two parents for each of blocks 3 to 18, one for block 2, and block 13 that block 16 absorbs.
    assert drawn["graph"].count("stroke-dasharray") >= 1


def test_published_points_are_marked_as_published(drawn):
    for name in ("figure_1", "figure_4"):
        shown = " ".join(words(drawn[name]))
        assert "all points as published in arXiv:2010.11426" in shown
        for model in ("Eff-SpineNet-M0", "Eff-SpineNet-D2", "EfficientDet-D1", "MobileNetV2-FPN"):
            assert model in shown


def test_both_distributions_are_shown_by_level(drawn):
    shown = words(drawn["figure_3"])
    assert {"SP-EfficientNet-B0", "Eff-SpineNet-D0"} <= set(shown)
    assert shown.count("L5") == 2 * 4


def test_the_same_data_gives_the_same_file(drawn, tmp_path):
    again = {path.stem: path.read_text() for path in draw_figures(tmp_path)}
    assert again == drawn


def test_figures_can_be_pixels(tmp_path):
    paths = list(draw_figures(tmp_path, "png"))
    assert len(paths) == 4
    for path in paths:
        with Image.open(path) as image:
            assert min(image.size) > 400


def test_an_unknown_format_is_refused(tmp_path):
    with pytest.raises(ProfilingError, match="--format gif: there are svg, png"):
        list(draw_figures(tmp_path, "gif"))


def test_without_matplotlib_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ProfilingError, match=r"keras-effspine\[figures\]"):
        list(draw_figures(tmp_path))


def test_a_file_in_place_of_the_folder_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ProfilingError, match="the folder cannot be made"):
        list(draw_figures(tmp_path / "file"))
