"""The generalised IoU as a box loss, against the paper's algorithm box by box."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_effspine.layers.boxes import encode_boxes
from keras_effspine.models.giou_loss import GIoULoss, overlap_of_differences


def generalised_iou(a, b):
    """Algorithm 1 of arXiv:1902.09630 for two boxes in yxyx."""
    height = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    width = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    union = sum(areas) - height * width
    around = (max(a[2], b[2]) - min(a[0], b[0])) * (max(a[3], b[3]) - min(a[1], b[1]))
    return height * width / union, height * width / union - (around - union) / around


@pytest.fixture(scope="module")
def boxes():
    """Anchors, and two boxes for each: 40 of them near it, the others anywhere."""
    random = np.random.default_rng(0)
    center, size = random.uniform(20, 80, (60, 2)), random.uniform(4, 40, (60, 2))
    anchors = np.concatenate([center - size / 2, center + size / 2], 1)
    spread = np.where(np.arange(60) < 40, 0.2, 1.0)[:, None, None]
    moved = (
        anchors[:, None] + spread * random.normal(0, 0.5, (60, 2, 4)) * np.tile(size, 2)[:, None]
    )
    low, high = (
        np.minimum(moved[..., :2], moved[..., 2:]),
        np.maximum(moved[..., :2], moved[..., 2:]),
    )
    pairs = np.concatenate([low, high + 1], -1).astype("float32")
    return anchors.astype("float32"), pairs[:, 0], pairs[:, 1]


def test_it_is_that_of_the_boxes_whatever_their_anchors(boxes):
    anchors, ours, theirs = boxes
    differences = [encode_boxes(one, anchors) for one in (ours, theirs)]
    expected = np.array([generalised_iou(*pair) for pair in zip(ours, theirs, strict=True)])
    assert (expected[:, 0] == 0).any() and (expected[:, 0] > 0.5).any()
    for found, wanted in zip(overlap_of_differences(*differences), expected.T, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-4)
    loss = GIoULoss(reduction=None)(*differences)
    np.testing.assert_allclose(loss, 1 - expected[:, 1], atol=1e-4)


def test_its_gradient_draws_boxes_together_that_do_not_meet():
    anchor = np.array([[10.0, 10.0, 30.0, 30.0]], "float32")
    wanted = encode_boxes(np.array([[60.0, 60.0, 90.0, 90.0]], "float32"), anchor)
    found, loss = tf.zeros((1, 4)), GIoULoss(reduction="sum")
    with tf.GradientTape() as tape:
        tape.watch(found)
        value = loss(wanted, found)
    assert value > 1  # no overlap
    gradient = tape.gradient(value, found)
    assert (gradient.numpy() < 0).all()  # down, to the right, and larger
    assert loss(wanted, found - gradient) < value


def test_it_is_read_from_its_configuration():
    loss = keras.losses.deserialize(keras.losses.serialize(GIoULoss(reduction="sum")))
    assert type(loss) is GIoULoss and loss.reduction == "sum"
