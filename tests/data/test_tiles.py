import numpy as np
import pydantic
import pytest

from keras_effspine.data.tiles import Tiles
from keras_effspine.errors import RecipeError


@pytest.mark.parametrize(("height", "width"), [(640, 640), (1000, 700), (641, 2048), (100, 5000)])
@pytest.mark.parametrize("overlap", [0.0, 0.2, 0.5])
def test_tiles_cover_the_picture_and_overlap_as_they_should(height, width, overlap):
    windows = Tiles(size=640, overlap=overlap).windows(height, width)
    seen = np.zeros((height, width), int)
    for left, top, columns, rows in windows:
        assert left >= 0 and top >= 0 and left + columns <= width and top + rows <= height
        assert (columns, rows) == (min(640, width), min(640, height))
        seen[top : top + rows, left : left + columns] += 1
    assert seen.min() == 1
    for axis in (0, 1):
        starts = np.unique(windows[:, axis])
        assert (np.diff(starts) <= 640 * (1 - overlap)).all()
        assert len(starts) == 1 or np.diff(starts).min() >= np.diff(starts).max() - 1


def test_there_are_no_more_tiles_than_it_takes():
    assert len(Tiles(size=640, overlap=0).windows(1280, 1280)) == 4
    assert len(Tiles(size=640, overlap=0).windows(1281, 1280)) == 6
    assert len(Tiles(size=512, overlap=0.25).windows(2048, 2048)) == 25


def test_a_small_picture_is_one_tile():
    assert Tiles(size=640).windows(300, 500).tolist() == [[0, 0, 500, 300]]


def test_tiles_are_read_from_a_text_or_a_number():
    assert Tiles.from_text("640") == Tiles(size=640, overlap=0.2)
    assert Tiles.from_text("512:0.25") == Tiles(size=512, overlap=0.25)
    assert Tiles.model_validate(640) == Tiles(size=640)
    assert Tiles(size=640).describe() == (
        "in tiles of 640 px that overlap by 20% or more, and whole"
    )


@pytest.mark.parametrize(
    "text", ["", "large", "640:", "640:1", "640:-0.1", "31", "640x640", "-640"]
)
def test_what_is_no_tile_is_refused_in_words(text):
    with pytest.raises(RecipeError, match=r"--tiles .*such as 640 or 640:0.25"):
        Tiles.from_text(text)


@pytest.mark.parametrize("values", [{"size": True}, {"size": 640, "overlap": 0.95}, {"side": 640}])
def test_values_out_of_range_are_refused(values):
    with pytest.raises(pydantic.ValidationError):
        Tiles.model_validate(values)
