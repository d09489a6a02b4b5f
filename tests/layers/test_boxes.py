"""Formats, overlap, and differences of boxes to anchors."""

import keras
import numpy as np
import pytest
from keras_cv import bounding_box

from keras_effspine.layers.boxes import (
    clip_boxes,
    convert_boxes,
    decode_boxes,
    encode_boxes,
    intersection_over_union,
)

SIZE = (60, 100, 3)
FORMATS = "xyxy yxyx xywh center_xywh center_yxhw rel_xyxy rel_yxyx rel_xywh".split()


def random_boxes(seed, *shape):
    """Boxes in yxyx within an image of `SIZE`."""
    random = np.random.default_rng(seed)
    low, high = np.sort(random.uniform(0, 1, (2, *shape, 2)), axis=0)
    return (np.concatenate([low, high], axis=-1) * [60, 100, 60, 100]).astype("float32")


@pytest.mark.parametrize("target", FORMATS)
@pytest.mark.parametrize("source", FORMATS)
def test_formats_are_converted_as_keras_cv_does(source, target):
    boxes = np.asarray(
        bounding_box.convert_format(
            random_boxes(0, 2, 5), source="yxyx", target=source, image_shape=SIZE
        )
    )
    expected = bounding_box.convert_format(boxes, source=source, target=target, image_shape=SIZE)
    np.testing.assert_allclose(
        convert_boxes(boxes, source, target, SIZE), expected, rtol=1e-6, atol=1e-6
    )


def test_relative_formats_need_no_size_among_themselves():
    boxes = np.float32([[0.1, 0.2, 0.5, 0.4]])
    expected = [[0.2, 0.1, 0.2, 0.4]]
    np.testing.assert_allclose(convert_boxes(boxes, "rel_yxyx", "rel_XYWH"), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("xyxy", "xywhc", "Supported formats"),
        ("corners", "xyxy", "Supported formats"),
        ("rel_xyxy", "xyxy", "must receive `height` and `width`"),
        ("xywh", "rel_xywh", "must receive `height` and `width`"),
    ],
)
def test_what_cannot_be_converted_is_refused(source, target, message):
    with pytest.raises(ValueError, match=message):
        convert_boxes(random_boxes(0, 3), source, target)


def test_boxes_are_clipped_to_the_image():
    boxes = np.float32([[-5, 10, 70, 90], [20, -30, 50, 130], [80, 110, 90, 120]])
    expected = [[0, 10, 60, 90], [20, 0, 50, 100], [60, 100, 60, 100]]
    np.testing.assert_array_equal(clip_boxes(boxes, SIZE), expected)


def test_overlap_is_a_share_of_what_two_boxes_cover():
    box = np.float32([[0, 0, 10, 20]])
    others = np.float32(
        [[0, 0, 10, 20], [0, 10, 10, 30], [5, 5, 10, 10], [10, 20, 30, 30], [4, 4, 4, 9]]
    )
    np.testing.assert_allclose(
        intersection_over_union(box, others), [[1, 1 / 3, 1 / 8, 0, 0]], rtol=1e-6
    )


def test_overlap_of_batches_is_that_of_each_pair():
    a, b = random_boxes(1, 7), random_boxes(2, 3, 4)
    found = np.asarray(intersection_over_union(a, b))
    assert found.shape == (3, 7, 4)
    theirs = keras.utils.bounding_boxes.compute_iou(a, b, "yxyx")
    np.testing.assert_allclose(found, theirs, rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(found, np.asarray(intersection_over_union(b, a)).swapaxes(1, 2))


def test_boxes_without_area_overlap_nothing_not_even_themselves():
    points = np.float32([[3, 3, 3, 3], [3, 3, 3, 8]])
    np.testing.assert_array_equal(intersection_over_union(points, points), np.zeros((2, 2)))


def test_the_smallest_relative_boxes_overlap_as_the_same_boxes_in_pixels():
    a, b = random_boxes(3, 5), random_boxes(4, 6)
    np.testing.assert_allclose(
        intersection_over_union(a / np.float32(1e6), b / np.float32(1e6)),
        intersection_over_union(a, b),
        rtol=1e-4,
    )


def test_differences_are_of_centers_and_of_logarithms_of_sizes():
    anchors = np.float32([[10, 20, 30, 60]])
    boxes = np.float32([[[15, 20, 35, 100]]])
    expected = [[[5 / 20 / 0.1, 20 / 40 / 0.1, 0, np.log(2) / 0.2]]]
    np.testing.assert_allclose(encode_boxes(boxes, anchors), expected, rtol=1e-5, atol=1e-6)
    weighted = encode_boxes(boxes, anchors, variances=(1.0, 1.0, 1.0, 1.0))
    np.testing.assert_allclose(weighted, [[[0.25, 0.5, 0, np.log(2)]]], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("variances", [(0.1, 0.1, 0.2, 0.2), (1.0, 1.0, 1.0, 1.0)])
def test_decoding_undoes_encoding(variances):
    anchors, boxes = random_boxes(5, 50), random_boxes(6, 2, 50)
    back = decode_boxes(encode_boxes(boxes, anchors, variances), anchors, variances)
    sizes = anchors[:, 2:] - anchors[:, :2], boxes[..., 2:] - boxes[..., :2]
    usual = (sizes[1] / sizes[0] < 1000 / 16).all(-1)
    assert usual.sum() > 90
    np.testing.assert_allclose(np.asarray(back)[usual], boxes[usual], rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("delta", [30.0, 1e4, 3e38, np.inf])
def test_no_decoded_size_is_infinite(delta):
    anchors = np.float32([[0, 0, 16, 32]])
    box = np.asarray(decode_boxes(np.float32([[0, 0, delta, delta]]), anchors))[0]
    np.testing.assert_allclose(box[2:] - box[:2], [1000, 2000], rtol=1e-4)
    box = np.asarray(decode_boxes(np.float32([[0, 0, delta, delta]]), anchors, (1, 1, 1, 1), 0.0))
    np.testing.assert_allclose(box, anchors, atol=1e-5)


def test_a_box_without_area_is_encoded_in_finite_numbers():
    deltas = encode_boxes(np.float32([[5, 5, 5, 5]]), np.float32([[0, 0, 16, 32]]))
    assert np.isfinite(deltas).all()
