"""Mean IoU, against a count pixel by pixel."""

import json

import numpy as np
import pycocotools.mask
import pytest
from small_maps import label_map, write_mask_folder

from keras_effspine.data.loading import load_records
from keras_effspine.errors import DataError
from keras_effspine.evaluation.semantic_segmentation import SegmentationEvaluator


@pytest.fixture
def records(tmp_path):
    names = "road\ncar\ntree\nsky\nsea\n"
    return load_records(write_mask_folder(tmp_path, names=names), labels=("semantic",))


def guesses(seed=1, classes=4):
    """A prediction for each picture: half of it right, and never the last class."""
    random = np.random.default_rng(seed)
    found = []
    for index in range(4):
        truth = label_map(index)
        guess = random.integers(0, classes, truth.shape).astype("uint8")
        found.append(np.where((random.uniform(size=truth.shape) < 0.5) & (truth < 3), truth, guess))
    return found


def counted(pairs, classes):
    """IoU of each class by going through all pixels, and the share that is right."""
    truth = np.concatenate([t.ravel() for t, _ in pairs])
    guess = np.concatenate([g.ravel() for _, g in pairs])
    truth, guess = truth[truth != 255].astype(int), guess[truth != 255].astype(int)
    values = []
    for index in range(classes):
        both = sum(1 for t, g in zip(truth, guess, strict=True) if t == g == index)
        either = sum(1 for t, g in zip(truth, guess, strict=True) if index in (t, g))
        values.append(both / either if either else None)
    return values, float(np.mean(truth == guess))


def test_it_is_what_counting_each_pixel_gives(records):
    evaluator = SegmentationEvaluator(records)
    for record, guess in zip(records.records, guesses(), strict=True):
        evaluator.add(record, guess)
    result = evaluator.result()
    values, accuracy = counted([(label_map(i), g) for i, g in enumerate(guesses())], 5)
    assert [one["IoU"] for one in result.per_class] == values
    assert values[3] == 0.0, "a class that is predicted but never there counts"
    assert values[4] is None, "one that is neither does not"
    assert list(result.metrics) == ["mIoU", "pixel_accuracy"]
    assert result.metrics["mIoU"] == pytest.approx(np.mean(values[:4]), abs=1e-12)
    assert result.metrics["pixel_accuracy"] == pytest.approx(accuracy, abs=1e-12)
    labelled = sum(int((label_map(i) != 255).sum()) for i in range(4))
    assert result.matrix.sum() == labelled
    assert result.matrix.dtype == "int64"
    json.dumps(result.as_json())
    assert len(result.tables()) == 2


def test_a_perfect_prediction_has_one_whatever_stands_on_ignored_pixels(records):
    evaluator = SegmentationEvaluator(records)
    for index, record in enumerate(records.records):
        evaluator.add(
            record, np.where(label_map(index) == 255, 4, label_map(index)).astype("uint8")
        )
    assert evaluator.result().metrics == {"mIoU": 1.0, "pixel_accuracy": 1.0}


def test_pictures_that_were_not_added_count_as_missed(records):
    evaluator = SegmentationEvaluator(records)
    for index, record in enumerate(records.records[:3]):
        evaluator.add(record, label_map(index))
    result = evaluator.result()
    last = label_map(3)
    share = sum(int((label_map(i) != 255).sum()) for i in range(3)) / result.matrix.sum()
    assert result.metrics["pixel_accuracy"] == pytest.approx(share)
    assert result.matrix[:, -1].tolist() == [int((last == i).sum()) for i in range(5)]
    assert result.per_class[0]["IoU"] < 1
    assert evaluator.result().metrics == result.metrics, "asked twice, counted once"


def test_predictions_are_run_lengths_of_each_class(records):
    evaluator = SegmentationEvaluator(records)
    for record, guess in zip(records.records, guesses(), strict=True):
        evaluator.add(record, guess)
    found = json.loads(json.dumps(evaluator.predictions()))
    rebuilt = np.full((48, 64), 255, "uint8")
    for one in found:
        if one["image_id"] == "2":
            rebuilt[pycocotools.mask.decode(one["segmentation"]) > 0] = one["category_id"]
    np.testing.assert_array_equal(rebuilt, guesses()[2])
    assert {one["category_name"] for one in found} == {"road", "car", "tree", "sky"}


def test_a_map_that_cannot_be_read_is_left_out_and_named_and_many_are_an_error(tmp_path):
    records = load_records(write_mask_folder(tmp_path, count=20), labels=("semantic",))
    for name in ("3", "4"):
        (tmp_path / f"masks/{name}.png").write_bytes(b"")
    evaluator = SegmentationEvaluator(records)
    for record in records.records:
        evaluator.add(record, label_map(int(record.image_id)))
    result = evaluator.result()
    assert result.metrics["mIoU"] == 1.0
    assert len(result.unreadable) == 2 and "masks/3.png" in result.unreadable[0]
    (tmp_path / "masks/5.png").write_bytes(b"")
    evaluator = SegmentationEvaluator(records)
    with pytest.raises(DataError, match=r"3 label maps of .* cannot be used: .*masks/3\.png"):
        for record in records.records:
            evaluator.add(record, label_map(int(record.image_id)))


def test_pictures_without_truth_are_kept_but_not_measured(handful):
    evaluator = SegmentationEvaluator(handful.records)
    record = handful.records.records[0]
    evaluator.add(record, np.zeros((record.height, record.width), "uint8"))
    assert len(evaluator.predictions()) == 1
    assert evaluator.result().metrics == {"mIoU": None, "pixel_accuracy": None}
