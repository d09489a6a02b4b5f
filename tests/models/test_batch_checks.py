"""Batches that make no sense are refused in one message, and sound ones are not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras_cv import bounding_box

from keras_effspine.models.batch_checks import (
    check_class_labels,
    check_image_shape,
    check_label_maps,
    check_objects,
    check_whole_numbers,
)

FORMATS = ("xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw", "rel_xyxy", "rel_yxyx", "rel_xywh")
HEIGHT, WIDTH = 60, 80


def objects(box_format="xyxy"):
    """Two pictures, of which the second has one box and one row of padding."""
    boxes = np.array([[[0, 0, 80, 60], [10, 20, 30, 50]], [[5, 5, 6, 6], [-1, -1, -1, -1]]])
    converted = bounding_box.convert_format(
        boxes.astype("float32"),
        source="xyxy",
        target=box_format,
        image_shape=(HEIGHT, WIDTH, 3),
    )
    return np.array(converted), np.array([[0, 2], [1, -1]], "float32")


def check(boxes, classes, box_format="xyxy"):
    check_objects(boxes, classes, 3, box_format, (HEIGHT, WIDTH))


@pytest.mark.parametrize("box_format", FORMATS)
def test_sound_objects_pass_in_every_format(box_format):
    check(*objects(box_format), box_format)
    boxes, classes = objects(box_format)
    check(boxes[:, :0], classes[:, :0], box_format)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1).map(np.random.default_rng), st.sampled_from(FORMATS))
def test_boxes_that_overhang_their_picture_a_little_pass(generator, box_format):
    corners = np.sort(generator.uniform(-10, 70, (1, 5, 2, 2)), axis=2) + [[[0, 0], [1, 1]]]
    boxes = bounding_box.convert_format(
        corners.reshape(1, 5, 4).astype("float32"),
        source="xyxy",
        target=box_format,
        image_shape=(HEIGHT, WIDTH, 3),
    )
    check(np.array(boxes), np.zeros((1, 5)), box_format)


@pytest.mark.parametrize("value", [3, -2, 0.5, np.nan, 1e9])
def test_a_class_id_that_is_no_class_is_named_with_its_place(value):
    boxes, classes = objects()
    classes[0, 1] = value
    with pytest.raises(ValueError, match=r"from 0 to 2; -1 pads .*Received: .*classes\[0, 1\]"):
        check(boxes, classes)


@pytest.mark.parametrize("box_format", FORMATS)
@pytest.mark.parametrize(
    ("box", "message"),
    [
        ([10, 20, np.nan, 50], "must be finite"),
        ([10, 20, np.inf, 50], "must be finite"),
        ([10, 20, 10, 50], "must have an area"),
        ([30, 50, 10, 20], "lower corner first"),
        ([1000, 2000, 3000, 5000], "in their picture, in the units"),
    ],
)
def test_a_box_that_is_none_is_named_with_its_place(box_format, box, message):
    boxes, classes = objects(box_format)
    wrong = bounding_box.convert_format(
        np.array([box], "float32"),
        source="xyxy",
        target=box_format,
        image_shape=(HEIGHT, WIDTH, 3),
    )
    boxes[0, 1] = np.array(wrong)[0]
    with pytest.raises(ValueError, match=f"{message}.*Received: box .*'{box_format}'") as error:
        check(boxes, classes, box_format)
    assert "picture 0 of the batch, box 1" in str(error.value)
    assert len(str(error.value)) < 400


def test_pixels_given_as_shares_are_refused():
    boxes, classes = objects("xyxy")
    with pytest.raises(ValueError, match="in the units of the model's bounding_box_format"):
        check(boxes, classes, "rel_xyxy")


def test_what_stands_in_padding_is_not_looked_at():
    boxes, classes = objects()
    boxes[1, 1] = [np.nan, 9e9, -5, 0]
    check(boxes, classes)


@pytest.mark.parametrize(
    ("boxes", "classes"), [((2, 4), (2,)), ((2, 3, 5), (2, 3)), ((2, 3, 4), (2, 2))]
)
def test_objects_of_other_shapes_are_refused(boxes, classes):
    with pytest.raises(ValueError, match=r"Received: boxes of shape"):
        check(np.ones(boxes), np.zeros(classes))


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((2, 64, 64, 1), "Grey pictures"),
        ((2, 64, 64, 4), r"\(batch, height, width, 3\).*Received"),
        ((64, 64, 3), r"images\[None\]"),
        ((0, 64, 64, 3), "must hold pictures"),
        ((2, 0, 64, 3), "must hold pictures"),
    ],
)
def test_images_of_other_shapes_are_refused(shape, message):
    with pytest.raises(ValueError, match=message):
        check_image_shape(shape, 3)


def test_images_of_the_models_channels_pass():
    check_image_shape((2, 64, 32, 3), 3)
    check_image_shape((None, None, None, None), 1)


@pytest.mark.parametrize(
    "labels",
    [[0, 2, 1], [[0], [2]], [[0.1, 0.9, 0.0]], [[0, 0, 0]]],
)
def test_sound_class_labels_pass(labels):
    check_class_labels(np.array(labels), 3)
    check_class_labels(np.array(labels, "float32"), 3)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 3], r"from 0 to 2\. Received: 3 \(labels\[1\]"),
        ([[0], [-1]], r"Received: -1 \(labels\[1, 0\]"),
        ([0.0, 1.5], r"Received: 1\.5"),
        ([[0.0, np.nan, 1.0]], "finite and not negative"),
        ([[0.0, -0.1, 1.1]], "finite and not negative"),
        ([[1, 0]], r"one-hot \(batch, 3\).*shape \(1, 2\)"),
        ([[[1]]], r"shape \(1, 1, 1\)"),
    ],
)
def test_other_class_labels_are_refused(labels, message):
    with pytest.raises(ValueError, match=message):
        check_class_labels(np.array(labels), 3)


def test_label_maps_hold_class_ids_and_ignored_pixels():
    labels = np.array([[[0, 1], [2, 255]]])
    for dtype in ("uint8", "int32", "int64"):
        check_label_maps(labels.astype(dtype), 3, 255)
        check_label_maps(labels[..., None].astype(dtype), 3, 255)
    for wrong in (3, 254, -1):
        with pytest.raises(ValueError, match=rf"255 is ignored\. Received: {wrong} \(labels\[0, 0"):
            check_label_maps(np.where(labels == 1, wrong, labels), 3, 255)


def test_label_maps_of_floats_are_refused_by_their_type_alone():
    check_whole_numbers(np.zeros((1, 2, 2), "uint8"))
    with pytest.raises(ValueError, match="whole numbers.*Received: labels of dtype float32"):
        check_whole_numbers(np.zeros((1, 2, 2), "float32"))
