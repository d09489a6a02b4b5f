import numpy as np
import pytest

from keras_effspine.drawing.heat import draw_heat


def test_warm_places_are_tinted_and_cold_ones_keep_their_colours():
    image = np.full((40, 60, 3), 100, "uint8")
    heat = np.zeros((20, 30), "float32")
    heat[5:10, 5:10] = 1.0
    drawn = draw_heat(image, heat)
    assert drawn.shape == image.shape and drawn.dtype == np.uint8
    assert (drawn[30:] == 100).all() and (drawn[:, 30:] == 100).all()
    red, green, blue = drawn[15, 15].astype(int)
    assert red > 150 and green < 60 and blue < 60
    assert (image == 100).all()


@pytest.mark.parametrize(
    "heat", [np.full((4, 4), 1.5), np.full((4, 4), np.nan), np.zeros((4, 4, 1))]
)
def test_what_is_no_heat_is_refused(heat):
    with pytest.raises(ValueError, match="Received: shape"):
        draw_heat(np.zeros((4, 4, 3), "uint8"), heat)
