"""Suppression against TensorFlow's own kernel, and against a slow reference in NumPy."""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from keras_effspine.layers import non_max_suppression as module
from keras_effspine.layers.non_max_suppression import non_max_suppression

NAMES = ("boxes", "confidence", "classes", "num_detections")
LIMITS = {"iou_threshold": 0.5, "max_detections": 20, "score_threshold": 0.1}


@pytest.fixture(autouse=True)
def few_at_once(monkeypatch):
    """So few candidates at a time that small inputs take several rounds of both loops."""
    monkeypatch.setattr(module, "_SORTED", (24, 50))
    monkeypatch.setattr(module, "_CHUNK", 16)


def random_boxes(random, *shape, extent=100.0):
    size = random.uniform(5, 60, (*shape, 2)).astype("float32")
    low = random.uniform(0, extent, (*shape, 2)).astype("float32")
    return np.concatenate([low, low + size], axis=-1)


def random_scores(random, *shape):
    """Scores of which no two are equal."""
    count = int(np.prod(shape))
    return (random.permutation(count).reshape(shape) / count).astype("float32")


def kernel(boxes, scores, iou_threshold, max_detections, score_threshold, limit=None):
    """What TensorFlow's CombinedNonMaxSuppression gives, padded with -1."""
    found = tf.image.combined_non_max_suppression(
        boxes if boxes.ndim == 4 else boxes[:, :, None],
        scores,
        max_output_size_per_class=limit or max_detections,
        max_total_size=max_detections,
        iou_threshold=iou_threshold,
        score_threshold=score_threshold,
        clip_boxes=False,
    )
    boxes, confidence, classes, count = (x.numpy() for x in found)
    padding = np.arange(max_detections) >= count[:, None]
    boxes[padding] = confidence[padding] = classes[padding] = -1
    return dict(zip(NAMES, (boxes, confidence, classes, count), strict=True))


def reference(boxes, scores, iou_threshold, max_detections, score_threshold):
    """The detections of one image as `(box, class)`, candidate by candidate."""
    order = [(-s, box, c) for (box, c), s in np.ndenumerate(scores) if s > score_threshold]
    kept = []
    for _, box, class_id in sorted(order):
        if all(k != class_id or iou(boxes[box], boxes[b]) <= iou_threshold for b, k in kept):
            kept.append((box, class_id))
    return kept[:max_detections]


def iou(a, b):
    height = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    width = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    area = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return width * height / (area - width * height) if width * height else 0.0


def agree(boxes, scores, limit=None, **limits):
    """Asserts equality with the kernel, bit for bit, and returns the detections."""
    limits = {**LIMITS, **limits}
    expected = kernel(boxes, scores, **limits, limit=limit)
    found = non_max_suppression(boxes, scores, **limits, max_detections_per_class=limit)
    assert set(found) == set(NAMES)
    for name in NAMES:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
    return expected


@pytest.mark.parametrize("classes", [1, 2, 7, 60])
@pytest.mark.parametrize("iou_threshold", [0.0, 0.3, 0.7, 1.0])
def test_it_gives_what_the_kernel_gives(classes, iou_threshold):
    random = np.random.default_rng(classes)
    boxes, scores = random_boxes(random, 3, 120), random_scores(random, 3, 120, classes)
    found = agree(boxes, scores, iou_threshold=iou_threshold)
    assert found["num_detections"].min() > 0


@pytest.mark.parametrize("threshold", [-1.0, 0.0, 0.5, 0.99, 1.0])
def test_scores_at_the_threshold_or_below_are_no_detections(threshold):
    random = np.random.default_rng(1)
    scores = random_scores(random, 2, 60, 3)
    scores[0, 0, 0] = threshold
    agree(random_boxes(random, 2, 60), scores, score_threshold=threshold)


def test_images_without_candidates_stand_beside_full_ones():
    random = np.random.default_rng(2)
    scores = random_scores(random, 4, 60, 3)
    scores[1], scores[2, 3:] = 0.05, 0.0
    found = agree(random_boxes(random, 4, 60, extent=400), scores)
    assert found["num_detections"].tolist()[1] == 0
    assert 0 < found["num_detections"][2] < found["num_detections"][0] == 20


def test_boxes_that_hide_all_others_do_not_end_the_search():
    """The best candidates, many times what is sorted at once, are all of one place."""
    random = np.random.default_rng(3)
    boxes = random_boxes(random, 1, 300, extent=2000)
    scores = random_scores(random, 1, 300, 1)
    boxes[:, :250] = [10, 10, 50, 50]
    scores[:, :250] = 0.9 + scores[:, :250] / 100
    found = agree(boxes, scores)
    assert found["num_detections"] == 20


def test_chains_of_boxes_that_suppress_their_neighbours():
    """Of a row of boxes, each of which hides the next, every other one stays."""
    low = np.stack([np.zeros(150), np.arange(150.0)], axis=1)
    boxes = np.concatenate([low, low + [10, 2.5]], axis=1)[None].astype("float32")
    scores = np.linspace(0.9, 0.2, 150).reshape(1, 150, 1).astype("float32")
    found = agree(boxes, scores, iou_threshold=0.3, max_detections=100)
    assert found["num_detections"] == 75


@pytest.mark.parametrize("limit", [1, 3, 20])
def test_detections_of_a_class_are_limited(limit):
    random = np.random.default_rng(4)
    scores = random_scores(random, 2, 150, 3) * np.float32([1, 0.5, 0.2])
    found = agree(random_boxes(random, 2, 150, extent=900), scores, limit=limit)
    counts = [np.bincount(row[row >= 0].astype(int)).max() for row in found["classes"]]
    assert max(counts) == limit


def test_boxes_of_each_class_may_differ():
    random = np.random.default_rng(5)
    agree(random_boxes(random, 2, 80, 4), random_scores(random, 2, 80, 4))


@pytest.mark.parametrize("boxes", [1, 5])
def test_fewer_boxes_than_detections_are_padded(boxes):
    random = np.random.default_rng(6)
    found = agree(random_boxes(random, 2, boxes), random_scores(random, 2, boxes, 2))
    assert (found["boxes"][0, found["num_detections"][0] :] == -1).all()


def test_boxes_without_area_suppress_nothing_and_turned_ones_are_boxes():
    random = np.random.default_rng(7)
    boxes, scores = random_boxes(random, 2, 90), random_scores(random, 2, 90, 2)
    boxes[:, ::4, 2:] = boxes[:, ::4, :2]
    boxes[:, 1::4] = boxes[:, 1::4, [2, 1, 0, 3]]
    agree(boxes, scores, max_detections=60)


def test_infinite_boxes_and_scores_that_are_no_numbers_harm_no_other():
    random = np.random.default_rng(8)
    boxes, scores = random_boxes(random, 1, 90), random_scores(random, 1, 90, 2)
    boxes[0, 3], boxes[0, 4] = np.inf, [-np.inf, 0, np.inf, 5]
    scores[0, 7] = np.nan
    agree(boxes, scores, max_detections=60)


def test_relative_boxes_are_boxes():
    random = np.random.default_rng(9)
    agree(random_boxes(random, 2, 90) / np.float32(1e5), random_scores(random, 2, 90, 2))


def test_of_equal_scores_the_earlier_box_comes_first_and_of_a_box_the_lower_class():
    """The kernel leaves their order to its heap, so this is against the reference."""
    random = np.random.default_rng(10)
    for levels in (1, 2, 5):
        boxes = random_boxes(random, 2, 100)
        scores = np.float32(0.5) + random.integers(0, levels, (2, 100, 3)).astype("float32") / 10
        found = non_max_suppression(boxes, scores, **LIMITS)
        for row in range(2):
            expected = reference(boxes[row].astype("float64"), scores[row], **LIMITS)
            assert len(expected) == found["num_detections"][row] == 20
            places, classes = zip(*expected, strict=True)
            np.testing.assert_array_equal(found["boxes"][row], boxes[row, list(places)])
            np.testing.assert_array_equal(found["classes"][row], classes)


def test_proposals_are_suppression_with_one_class(monkeypatch):
    monkeypatch.undo()
    random = np.random.default_rng(11)
    boxes, scores = random_boxes(random, 2, 2000, extent=500), random_scores(random, 2, 2000, 1)
    agree(boxes, scores, iou_threshold=0.7, max_detections=1000, score_threshold=float("-inf"))


def test_half_precision_is_read_and_float32_is_returned():
    random = np.random.default_rng(12)
    boxes, scores = (tf.cast(x, "bfloat16") for x in (random_boxes(random, 1, 9), [[[0.5]] * 9]))
    found = non_max_suppression(boxes, scores, **LIMITS)
    assert {name: x.dtype.name for name, x in found.items()} == {
        "boxes": "float32",
        "confidence": "float32",
        "classes": "float32",
        "num_detections": "int32",
    }


def test_no_gradient_passes():
    random = np.random.default_rng(13)
    boxes, scores = random_boxes(random, 1, 60), random_scores(random, 1, 60, 2)
    boxes, scores = tf.constant(boxes), tf.constant(scores)
    with tf.GradientTape() as tape:
        tape.watch([boxes, scores])
        found = non_max_suppression(boxes, scores, **LIMITS)
        total = tf.reduce_sum(found["boxes"]) + tf.reduce_sum(found["confidence"])
    assert tape.gradient(total, [boxes, scores]) == [None, None]


# Elsewhere


def test_xla_compiles_it_and_shapes_are_static():
    random = np.random.default_rng(14)
    boxes, scores = random_boxes(random, 2, 120), random_scores(random, 2, 120, 3)

    @tf.function(jit_compile=True)
    def compiled(boxes, scores):
        found = non_max_suppression(boxes, scores, **LIMITS)
        assert all(x.shape.is_fully_defined() for x in found.values())
        return found

    expected = kernel(boxes, scores, **LIMITS)
    for name, values in compiled(boxes, scores).items():
        np.testing.assert_array_equal(values, expected[name], err_msg=name)


def test_a_batch_of_unknown_size_will_do():
    random = np.random.default_rng(15)
    function = tf.function(
        lambda boxes, scores: non_max_suppression(boxes, scores, **LIMITS),
        input_signature=[tf.TensorSpec((None, 60, 4)), tf.TensorSpec((None, 60, 2))],
    )
    for batch in (1, 3):
        boxes, scores = random_boxes(random, batch, 60), random_scores(random, batch, 60, 2)
        expected = kernel(boxes, scores, **LIMITS)
        for name, values in function(boxes, scores).items():
            np.testing.assert_array_equal(values, expected[name], err_msg=name)


def test_litert_runs_it():
    random = np.random.default_rng(16)
    boxes, scores = random_boxes(random, 1, 120), random_scores(random, 1, 120, 3)
    function = tf.function(
        lambda boxes, scores: non_max_suppression(boxes, scores, **LIMITS),
        input_signature=[tf.TensorSpec((1, 120, 4)), tf.TensorSpec((1, 120, 3))],
    )
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [function.get_concrete_function()], function
    )
    interpreter = tf.lite.Interpreter(model_content=converter.convert())
    interpreter.allocate_tensors()
    for details in interpreter.get_input_details():
        values = boxes if details["shape"][-1] == 4 else scores
        interpreter.set_tensor(details["index"], values)
    interpreter.invoke()
    expected = kernel(boxes, scores, **LIMITS)
    outputs = interpreter.get_output_details()
    for name, details in zip(sorted(NAMES), outputs, strict=True):  # TensorFlow sorts dictionaries
        found = interpreter.get_tensor(details["index"])
        np.testing.assert_array_equal(found, expected[name], err_msg=name)


ON_JAX = """
import json, sys
import jax, numpy as np
from keras_effspine.layers.non_max_suppression import non_max_suppression
inputs = np.load(sys.argv[1])
found = jax.jit(lambda b, s: non_max_suppression(b, s, **json.loads(sys.argv[2])))(
    inputs["boxes"], inputs["scores"]
)
np.savez(sys.argv[3], **found)
"""


def test_jax_compiles_it(tmp_path: pathlib.Path):
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed (pip install jax)")
    random = np.random.default_rng(17)
    boxes, scores = random_boxes(random, 2, 5000, extent=300), random_scores(random, 2, 5000, 3)
    np.savez(tmp_path / "in.npz", boxes=boxes, scores=scores)
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            ON_JAX,
            tmp_path / "in.npz",
            json.dumps(LIMITS),
            tmp_path / "out.npz",
        ],
        env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    expected = kernel(boxes, scores, **LIMITS)
    with np.load(tmp_path / "out.npz") as found:
        for name in NAMES:
            np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
