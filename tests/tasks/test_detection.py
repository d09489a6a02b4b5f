"""Detection as a task: labels, outputs in the picture's own pixels, and their measure."""

import dataclasses
import io
import json
from contextlib import redirect_stdout

import numpy as np
import pytest
import tensorflow as tf
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from keras_effspine.data.loading import load_records
from keras_effspine.data.record import Record, RecordSet
from keras_effspine.errors import DataError, RecipeError
from keras_effspine.stream.placement import letterbox, place_boxes, scale_of
from keras_effspine.tasks.detection import Boxes, Detection, detection_losses
from keras_effspine.training.preset_values import resolve_preset
from keras_effspine.training.recipe import Recipe
from keras_effspine.training.recipe_changes import override

CANVAS = 256


def record_of(width, height, boxes, crowds=None, image_id=1):
    boxes = np.array(boxes, "float64").reshape(-1, 4)
    return Record(
        image_id=image_id,
        path=None,
        width=width,
        height=height,
        boxes=boxes,
        classes=np.arange(len(boxes)) % 3,
        areas=boxes[:, 2] * boxes[:, 3],
        is_crowd=np.zeros(len(boxes), bool) if crowds is None else np.array(crowds, bool),
        annotation_ids=tuple(range(1, len(boxes) + 1)),
        masks=(None,) * len(boxes),
    )


def record_set_of(*records):
    return RecordSet(records, ("a", "b", "c"), (1, 2, 3), "made up")


def predict_truth(records, canvas=CANVAS, with_crowds=True, rows=None):
    """What a perfect model would return for letterboxed pictures, and their scales."""
    rows = rows or len(records)
    predictions = {
        "boxes": np.full((rows, 100, 4), -1.0, "float32"),
        "classes": np.full((rows, 100), -1.0, "float32"),
        "confidence": np.full((rows, 100), -1.0, "float32"),
        "num_detections": np.zeros(rows, "int32"),
    }
    scales = []
    for row, record in enumerate(records):
        kept = np.ones(len(record.boxes), bool) if with_crowds else ~record.is_crowd
        boxes = record.boxes[kept].astype("float32")
        boxes[:, 2:] += boxes[:, :2]
        placement = letterbox([record.height, record.width], (canvas, canvas))
        boxes, scale = place_boxes(boxes, placement), scale_of(placement)
        count = len(boxes)
        predictions["boxes"][row, :count] = boxes
        predictions["classes"][row, :count] = record.classes[kept]
        predictions["confidence"][row, :count] = 0.9
        predictions["num_detections"][row] = count
        scales.append(scale.numpy())
    return predictions, np.array(scales)


@pytest.mark.parametrize("shape", [(640, 427), (427, 640), (100, 100), (1000, 33), (31, 900)])
def test_boxes_of_the_network_come_back_to_the_pixels_of_the_picture(shape):
    width, height = shape
    record = record_of(
        width, height, [[0, 0, width, height], [width / 3, height / 4, width / 5, height / 2]]
    )
    (output,) = Detection().outputs(*predict_truth([record]), [record])
    np.testing.assert_allclose(output.boxes, record.boxes, atol=1e-3 * max(shape))
    assert output.classes.tolist() == [0, 1]
    np.testing.assert_allclose(output.scores, 0.9, rtol=1e-6)
    assert output.is_crowd is None


def test_predicted_boxes_end_at_the_edge_of_the_picture():
    record = record_of(200, 100, [[10, 10, 20, 20]])
    predictions, scales = predict_truth([record])
    predictions["boxes"][0, 0] = [-50, -20, 300, 250]
    (output,) = Detection().outputs(predictions, scales, [record])
    np.testing.assert_allclose(output.boxes, [[0, 0, 200, 100]])


def test_what_pads_a_batch_gives_no_outputs():
    records = [record_of(50, 40, [[1, 1, 9, 9]]), record_of(50, 40, [])]
    outputs = Detection().outputs(*predict_truth(records, rows=8), records)
    assert [len(output.boxes) for output in outputs] == [1, 0]
    assert outputs[1].boxes.shape == (0, 4)


def test_the_truth_is_the_record_with_its_crowds():
    record = record_of(50, 40, [[1, 1, 9, 9], [2, 2, 20, 20]], crowds=[False, True])
    truth = Detection().truth(record)
    assert truth.scores is None
    assert truth.is_crowd.tolist() == [False, True]
    np.testing.assert_array_equal(truth.boxes, record.boxes)


def test_labels_are_padded_with_minus_one_to_the_most_objects_of_a_picture():
    records = [record_of(50, 40, [[1, 1, 9, 9]] * count) for count in (0, 1, 4)]
    fields = Detection().batch_fields(record_set_of(*records))
    sample = {
        "image": tf.zeros([8, 8, 3]),
        "boxes": tf.constant([[1.0, 2.0, 3.0, 4.0]]),
        "classes": tf.constant([2]),
    }
    labels = fields(sample)
    assert labels["boxes"].numpy().tolist() == [[1, 2, 3, 4]] + [[-1] * 4] * 3
    assert labels["classes"].numpy().tolist() == [2, -1, -1, -1]
    assert labels["classes"].dtype == labels["boxes"].dtype == tf.float32


@pytest.mark.parametrize("crowds", [[], [True]])
def test_a_data_set_without_a_box_to_learn_from_is_refused(crowds):
    record = record_of(50, 40, [[1, 1, 9, 9]] * len(crowds), crowds)
    with pytest.raises(DataError, match="made up: no picture has a box to learn from"):
        Detection().check(record_set_of(record))
    Detection().check(record_set_of(record, record_of(50, 40, [[1, 1, 9, 9]])))


def test_anchors_that_a_preset_has_of_its_own_are_left_alone():
    recipe, start = resolve_preset(
        override(Recipe(), {"preset": "mobilenet_v3_ssdlite", "anchors": "data"})
    )
    with pytest.raises(RecipeError, match="mobilenet_v3_ssdlite has levels and anchors of its own"):
        Detection().build_model(recipe, ("a",), start)


def test_drawing_shows_what_reaches_the_score_and_leaves_the_picture_as_it_was():
    image = np.full((300, 500, 3), 128, "uint8")
    before = image.copy()
    output = Boxes(
        boxes=np.array([[50.0, 50, 100, 100], [300, 150, 100, 100]]),
        classes=np.array([0, 1]),
        scores=np.array([0.9, 0.2]),
    )
    drawn = Detection().draw(image, output, ("a", "b"), min_score=0.5)
    np.testing.assert_array_equal(image, before)
    assert (drawn[40:160, 40:160] != 128).any()
    assert (drawn[130:260, 280:410] == 128).all()


def measured(record_set, outputs):
    evaluator = Detection().evaluator(record_set)
    for record, output in zip(record_set.records, outputs, strict=True):
        evaluator.add(record, output)
    return evaluator


def test_the_truth_as_prediction_scores_one_on_shapes(handful):
    records = handful.records.records
    outputs = Detection().outputs(*predict_truth(records, with_crowds=False), records)
    result = measured(handful.records, outputs).result()
    assert result.metrics["AP"] == pytest.approx(1.0)
    assert next(iter(result.metrics)) == "AP"
    json.dumps(result.as_json())
    assert len(result.tables()) == 2


@pytest.mark.real_data
def test_the_truth_as_prediction_scores_on_coco_what_pycocotools_says(real_data):
    folder = real_data / "coco100"
    record_set = load_records(folder / "instances.json", folder / "images")
    assert any(record.is_crowd.any() for record in record_set.records)
    records = record_set.records
    outputs = Detection().outputs(*predict_truth(records, canvas=640, with_crowds=False), records)
    evaluator = measured(record_set, outputs)
    with redirect_stdout(io.StringIO()):
        truth = COCO(folder / "instances.json")
        reference = COCOeval(truth, truth.loadRes(evaluator.predictions()), "bbox")
        reference.evaluate()
        reference.accumulate()
        reference.summarize()
    result = evaluator.result()
    assert list(result.metrics.values()) == pytest.approx(reference.stats.tolist(), abs=1e-12)
    assert result.metrics["AP"] == pytest.approx(1.0)


def test_a_shifted_prediction_loses_precision(handful):
    records = handful.records.records
    outputs = Detection().outputs(*predict_truth(records, with_crowds=False), records)
    shifted = [dataclasses.replace(output, boxes=output.boxes + [6, 0, 0, 0]) for output in outputs]
    metrics = measured(handful.records, shifted).result().metrics
    assert metrics["AP"] < 0.8
    assert metrics["AP75"] < metrics["AP50"]


def test_one_guess_is_drawn_at_one_place_and_all_are_measured():
    boxes = np.array([[0, 0, 20, 20], [1, 0, 20, 20], [40, 40, 10, 10]], "float64")
    output = Boxes(boxes, np.array([1, 0, 1]), np.array([0.4, 0.5, 0.3]))
    shown = Detection().best_guesses(output)
    assert shown.classes.tolist() == [0, 1]
    assert shown.scores.tolist() == [0.5, 0.3]
    np.testing.assert_array_equal(shown.boxes, boxes[1:])
    assert len(output.scores) == 3


@pytest.mark.parametrize(
    ("name", "box_loss", "score_loss", "kinds", "weights"),
    [
        ("keras_cv", None, None, ("str", "str"), None),
        ("keras_cv", "giou", None, ("GIoULoss", "str"), {"box": 2.0, "classification": 1.0}),
        (
            "paper",
            None,
            "quality",
            ("Huber", "QualityFocalLoss"),
            {"box": 50.0, "classification": 1.0},
        ),
        (
            "paper",
            "giou",
            "quality",
            ("GIoULoss", "QualityFocalLoss"),
            {"box": 2.0, "classification": 1.0},
        ),
    ],
)
def test_each_loss_can_be_replaced_alone(name, box_loss, score_loss, kinds, weights):
    losses = detection_losses(name, box_loss, score_loss)
    assert (
        type(losses["box_loss"]).__name__,
        type(losses["classification_loss"]).__name__,
    ) == kinds
    assert losses.get("loss_weights") == weights
