"""Which anchor stands for which box, against a slow reference."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras_cv import bounding_box
from keras_cv.src.models.object_detection.retinanet import (
    RetinaNetLabelEncoder as KerasCVLabelEncoder,
)

from keras_effspine import RetinaNet
from keras_effspine.models.retinanet_label_encoder import RetinaNetLabelEncoder

pytestmark = pytest.mark.integration

HEIGHT, WIDTH = 96, 128
IMAGES = np.zeros((4, HEIGHT, WIDTH, 3), "float32")


def anchor_generator(bounding_box_format="xyxy"):
    return RetinaNet.default_anchor_generator(bounding_box_format)


def anchors():
    return np.concatenate([np.asarray(a) for a in anchor_generator()(IMAGES[0]).values()])


def random_labels(seed, counts=(5, 3, 1, 0)):
    """Boxes in xyxy, padded to six: some large, some too small for any anchor."""
    random = np.random.default_rng(seed)
    boxes, classes = np.full((4, 6, 4), -1.0, "float32"), np.full((4, 6), -1.0, "float32")
    for row, count in enumerate(counts):
        size = random.uniform([2, 2], [WIDTH, HEIGHT], (count, 2)) ** random.uniform(0.3, 1.0)
        low = random.uniform(0, 1, (count, 2)) * ([WIDTH, HEIGHT] - size)
        boxes[row, :count] = np.concatenate([low, low + size], axis=1)
        classes[row, :count] = random.integers(0, 7, count)
    return {"boxes": boxes, "classes": classes}


def iou(a, b):
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    area = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return width * height / (area - width * height)


def claims_of(rows, box, overlap):
    """Which anchors a box claims: of those that overlap it most, the nearest."""
    tied = (overlap > 0) & (overlap >= overlap.max() * (1 - 1e-4))
    centers = (rows[:, :2] + rows[:, 2:]) / 2
    distance = np.abs(centers - (box[:2] + box[2:]) / 2).sum(axis=1)
    return tied & (distance <= distance[tied].min(initial=np.inf) + 0.01)


def reference(labels, force_match=True):
    """Box and class targets, box by box and anchor by anchor."""
    rows = anchors()
    all_boxes, all_classes = [], []
    for boxes, classes in zip(labels["boxes"], labels["classes"], strict=True):
        real = [n for n, c in enumerate(classes) if c >= 0]
        overlap = np.array([[iou(a, boxes[n]) for n in real] for a in rows.astype("float64")])
        targets, ids = np.full((len(rows), 4), np.nan), np.full(len(rows), -1.0)
        claimed = [claims_of(rows, boxes[n], overlap[:, k]) for k, n in enumerate(real)]
        for index, anchor in enumerate(rows):
            if not real:
                continue
            best = int(overlap[index].argmax())
            value = overlap[index, best]
            claims = [k for k in range(len(real)) if claimed[k][index]]
            if force_match and claims:
                best = max(claims, key=lambda k, index=index: overlap[index, k])
                value = 1.0
            box = boxes[real[best]]
            ids[index] = classes[real[best]] if value >= 0.5 else -1 if value < 0.4 else -2
            size, box_size = anchor[2:] - anchor[:2], box[2:] - box[:2]
            shift = ((box[:2] + box[2:]) - (anchor[:2] + anchor[2:])) / 2 / size
            targets[index] = [*shift[::-1] / 0.1, *np.log(box_size / size)[::-1] / 0.2]
        all_boxes.append(targets)
        all_classes.append(ids)
    return np.array(all_boxes), np.array(all_classes)


def encode(labels, images=IMAGES, **arguments):
    encoder = RetinaNetLabelEncoder("xyxy", anchor_generator(), **arguments)
    return [np.asarray(t) for t in encoder(images, labels)]


@pytest.mark.parametrize("force_match", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_targets_are_those_of_the_reference(seed, force_match):
    labels = random_labels(seed)
    boxes, classes = encode(labels, force_match=force_match)
    expected_boxes, expected_classes = reference(labels, force_match)
    np.testing.assert_array_equal(classes, expected_classes)
    positive = classes >= 0
    assert positive.any()
    np.testing.assert_allclose(boxes[positive], expected_boxes[positive], rtol=1e-3, atol=1e-4)
    assert np.isfinite(boxes).all()


def test_each_box_is_matched_however_small_it_is():
    labels = random_labels(0, (1, 1, 1, 1))
    labels["boxes"][:, 0] = [[3, 3, 5, 90], [60, 50, 63, 53], [0, 0, 128, 2], [100, 7, 101, 8]]
    _, classes = encode(labels)
    assert ((classes >= 0).sum(axis=1) >= 1).all()
    _, classes = encode(labels, force_match=False)
    assert not (classes >= 0).any()


def test_without_forced_matches_targets_are_those_of_keras_cv():
    labels = random_labels(5, (6, 6, 6, 6))
    theirs = KerasCVLabelEncoder("xyxy", anchor_generator())
    boxes, classes = encode(labels, force_match=False)
    expected_boxes, expected_classes = theirs(IMAGES, dict(labels))
    np.testing.assert_array_equal(classes, expected_classes)
    positive = classes >= 0
    assert positive.sum() > 10
    np.testing.assert_allclose(
        boxes[positive], np.asarray(expected_boxes)[positive], rtol=1e-4, atol=1e-4
    )


def test_padding_is_never_matched_wherever_its_box_lies():
    labels = random_labels(0)
    twin = {name: value.copy() for name, value in labels.items()}
    twin["boxes"][labels["classes"] < 0] = [10, 10, 60, 60]
    for ours, theirs in zip(encode(labels), encode(twin), strict=True):
        np.testing.assert_array_equal(ours[:3], theirs[:3])
    np.testing.assert_array_equal(encode(twin)[1][3], -1)


def test_a_small_box_claims_the_nearest_of_the_anchors_that_hold_it():
    """They overlap it equally but for rounding, which must not choose among them."""
    labels = random_labels(0, (1, 1, 1, 1))
    rows = anchors()
    for row, low in enumerate(([33.3, 41.7], [60.1, 50.9], [90.7, 30.3], [20.9, 70.1])):
        box = np.array([*low, low[0] + 3.1, low[1] + 2.7], "float32")
        labels["boxes"][row, 0] = box
    _, classes = encode(labels)
    for box, found in zip(labels["boxes"][:, 0], classes, strict=True):
        holds = (rows[:, :2] <= box[:2]).all(1) & (rows[:, 2:] >= box[2:]).all(1)
        area = (rows[:, 2] - rows[:, 0]) * (rows[:, 3] - rows[:, 1])
        smallest = holds & (area < area.min() * 1.001)
        assert smallest.sum() > 4
        distance = np.abs((rows[:, :2] + rows[:, 2:]) / 2 - (box[:2] + box[2:]) / 2).sum(1)
        nearest = smallest & (distance < distance[smallest].min() + 0.01)
        np.testing.assert_array_equal(found >= 0, nearest)
        assert nearest.sum() < smallest.sum()


@pytest.mark.parametrize("boxes", [0, 3])
def test_a_batch_without_boxes_is_all_background(boxes):
    labels = {"boxes": -np.ones((4, boxes, 4)), "classes": -np.ones((4, boxes))}
    targets, classes = encode(labels)
    np.testing.assert_array_equal(classes, -1)
    assert np.isfinite(targets).all()


def test_a_box_without_area_is_not_matched_and_harms_no_other():
    labels = random_labels(0, (2, 0, 0, 0))
    labels["boxes"][0, 1] = [20, 20, 20, 40]
    targets, classes = encode(labels)
    assert set(classes[0]) <= {-1, -2, labels["classes"][0, 0]}
    assert np.isfinite(targets).all()


def test_thresholds_decide_what_is_positive_ignored_and_background():
    labels = random_labels(2)
    overlap = [
        [max([0, *(iou(a, b) for b, c in zip(bs, cs, strict=True) if c >= 0)]) for a in anchors()]
        for bs, cs in zip(labels["boxes"], labels["classes"], strict=True)
    ]
    _, classes = encode(labels, positive_threshold=0.6, negative_threshold=0.3, force_match=False)
    overlap = np.array(overlap)
    np.testing.assert_array_equal(classes >= 0, overlap >= 0.6)
    np.testing.assert_array_equal(classes == -1, overlap < 0.3)
    assert (classes == -2).any()


@pytest.mark.parametrize("box_format", ["xywh", "yxyx", "center_xywh", "rel_xyxy"])
def test_the_format_of_the_boxes_does_not_matter(box_format):
    labels = random_labels(1)
    converted = bounding_box.convert_format(
        labels, source="xyxy", target=box_format, image_shape=IMAGES.shape[1:]
    )
    encoder = RetinaNetLabelEncoder(box_format, anchor_generator(box_format))
    boxes, classes = encoder(IMAGES, converted)
    expected_boxes, expected_classes = encode(labels)
    np.testing.assert_array_equal(classes, expected_classes)
    positive = expected_classes >= 0
    np.testing.assert_allclose(
        np.asarray(boxes)[positive], expected_boxes[positive], rtol=1e-3, atol=1e-3
    )


def test_decoding_gives_the_boxes_back(tiny_detector):
    labels = random_labels(3, (4, 4, 4, 4))
    model = tiny_detector(bounding_box_format="xyxy")
    targets, classes = model.label_encoder(IMAGES, labels)
    scores = keras.ops.one_hot(keras.ops.cast(classes, "int32"), 7) * 20 - 10
    predictions = model.decode_predictions({"box": targets, "classification": scores}, IMAGES)
    for row in range(4):
        found = predictions["boxes"][row][: predictions["num_detections"][row]]
        best = [max(iou(box, f) for f in np.asarray(found)) for box in labels["boxes"][row, :4]]
        # A box may be suppressed by another of its class, which then overlaps it.
        assert sorted(best)[1] > 0.999


def test_under_mixed_precision_no_label_differs():
    labels = random_labels(4)
    expected = encode(labels)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        encoder = RetinaNetLabelEncoder("xyxy", anchor_generator())
        targets = encoder(tf.cast(IMAGES, "bfloat16"), labels)
    finally:
        keras.config.set_dtype_policy("float32")
    for ours, theirs in zip(targets, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_in_a_compiled_graph_no_label_differs():
    labels = random_labels(4)
    encoder = RetinaNetLabelEncoder("xyxy", anchor_generator())
    _, classes = tf.function(lambda y: encoder(IMAGES, y), jit_compile=True)(labels)
    np.testing.assert_array_equal(classes, encode(labels)[1])


def test_the_metric_is_the_share_of_boxes_with_an_anchor_above_the_threshold():
    encoder = RetinaNetLabelEncoder("xyxy", anchor_generator())
    assert encoder.boxes_matched.name == "boxes_matched"
    labels = random_labels(0, (2, 1, 0, 1))
    whole = anchors()[1000]
    labels["boxes"][0, 0] = whole
    labels["boxes"][0, 1] = [3, 3, 5, 90]
    labels["boxes"][1, 0] = [60, 50, 63, 53]
    labels["boxes"][3, 0] = whole
    encoder(IMAGES, labels)
    assert float(encoder.boxes_matched.result()) == 0.5
    encoder(IMAGES[:1], {"boxes": whole[None, None], "classes": np.zeros((1, 1))})
    assert float(encoder.boxes_matched.result()) == pytest.approx(3 / 5)


def test_it_survives_its_config():
    encoder = RetinaNetLabelEncoder("xyxy", anchor_generator(), 0.6, 0.3, force_match=False)
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(encoder))
    assert isinstance(copy, RetinaNetLabelEncoder)
    labels = random_labels(1)
    for ours, theirs in zip(copy(IMAGES, labels), encoder(IMAGES, labels), strict=True):
        np.testing.assert_array_equal(ours, theirs)
