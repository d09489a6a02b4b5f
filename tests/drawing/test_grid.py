import numpy as np
import pytest

from keras_effspine.drawing.grid import image_grid

RED, BLUE = (200, 10, 10), (10, 10, 200)


def plain(height, width, colour):
    return np.full((height, width, 3), colour, "uint8")


def extent(grid, colour):
    """Height and width of what has this colour, and how many pixels have it."""
    rows, columns = np.nonzero((grid == colour).all(axis=-1))
    return rows.max() - rows.min() + 1, columns.max() - columns.min() + 1, len(rows)


def test_pictures_stand_side_by_side_unchanged_where_they_have_one_size():
    grid = image_grid([[plain(60, 80, RED), plain(60, 80, BLUE)]])
    assert grid.dtype == np.uint8 and grid.shape[2] == 3
    assert extent(grid, RED) == extent(grid, BLUE) == (60, 80, 4800)
    columns = [np.nonzero((grid == one).all(axis=-1))[1] for one in (RED, BLUE)]
    assert columns[0].max() < columns[1].min()


def test_pictures_of_different_sizes_are_scaled_to_one_cell_and_keep_their_proportions():
    grid = image_grid([[plain(60, 80, RED), plain(40, 20, BLUE)]])
    assert extent(grid, RED) == (60, 80, 4800)
    assert extent(grid, BLUE) == (60, 30, 1800)


def test_large_pictures_are_scaled_down():
    grid = image_grid([[plain(1000, 2000, RED)]])
    assert extent(grid, RED) == (320, 640, 320 * 640)


def test_the_size_of_a_cell_can_be_given():
    grid = image_grid([[plain(60, 80, RED), plain(60, 80, BLUE)]], cell_size=(120, 200))
    assert extent(grid, RED) == (120, 160, 120 * 160)


def test_captions_are_written_above_their_pictures():
    images = [[plain(60, 80, RED), plain(60, 80, BLUE)]]
    without, written = image_grid(images), image_grid(images, [["truth", ""]])
    assert written.shape[0] > without.shape[0] and written.shape[1] == without.shape[1]
    above = written[: written.shape[0] - without.shape[0]]
    middle = written.shape[1] // 2
    assert above[:, :middle].min() < 100
    assert above[:, middle:].min() == 255
    assert extent(written, RED) == (60, 80, 4800)


def test_captions_that_are_too_long_stay_in_their_cell():
    images = [[plain(60, 80, RED), plain(60, 80, BLUE)]]
    written = image_grid(images, [["a caption much too long for it" * 5, ""]])
    above = written[: written.shape[0] - image_grid(images).shape[0]]
    assert above[:, written.shape[1] // 2 :].min() == 255


def test_rows_may_differ_in_length():
    grid = image_grid([[plain(60, 80, RED), plain(60, 80, RED)], [plain(60, 80, BLUE)]])
    assert extent(grid, RED)[2] == 9600
    assert extent(grid, BLUE)[2] == 4800


def test_the_pictures_are_not_changed():
    image = plain(60, 80, RED)
    image_grid([[image, plain(30, 30, BLUE)]], [["one", "two"]])
    assert (image == RED).all()


@pytest.mark.parametrize(
    ("rows", "captions", "message"),
    [
        ([], None, "at least one"),
        ([[]], None, "at least one"),
        ([[np.zeros((5, 5), "uint8")]], None, "uint8"),
        ([[np.zeros((5, 5, 3), "float32")]], None, "uint8"),
        ([[plain(5, 5, RED)]], [["one", "two"]], "one for each"),
        ([[plain(5, 5, RED)]], [], "one for each"),
    ],
)
def test_what_is_no_grid_is_refused(rows, captions, message):
    with pytest.raises(ValueError, match=message):
        image_grid(rows, captions)
