"""Anchors against keras-cv's generator."""

import keras_cv
import numpy as np

from keras_effspine.layers.anchors import pyramid_anchors


def test_they_are_keras_cvs_of_one_scale():
    size, levels, ratios = (100, 136), (3, 5), (0.5, 1.0, 2.0)
    found = pyramid_anchors(size, levels, 3, ratios)
    generator = keras_cv.layers.AnchorGenerator(
        bounding_box_format="yxyx",
        sizes=[3.0 * 2**level for level in levels],
        scales=[1.0],
        aspect_ratios=[1 / ratio for ratio in ratios],  # width over height there
        strides=[2**level for level in levels],
        clip_boxes=False,
    )
    expected = list(generator(image_shape=(*size, 3)).values())
    assert [len(x) for x in found.values()] == [13 * 17 * 3, 4 * 5 * 3]
    for one, other in zip(found.values(), expected, strict=True):
        assert one.dtype == "float32"
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-4)
