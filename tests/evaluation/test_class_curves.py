import contextlib
import io

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from random_detections import evaluated, random_pairs, random_truth

from keras_effspine.evaluation.class_curves import ClassCurve


def curve(scores, is_right, objects):
    return ClassCurve(np.array(scores, "float64"), np.array(is_right, bool), objects)


@pytest.fixture(scope="module")
def truth():
    return random_truth()


@pytest.fixture(scope="module")
def result(truth):
    return evaluated(truth, random_pairs(truth)).result()


@pytest.fixture(scope="module")
def direct(truth):
    """pycocotools on a data set of its own making; `precision` at IoU 0.50 by class."""
    images = {record.image_id: number for number, record in enumerate(truth.records, start=1)}

    def index(annotations):
        coco = COCO()
        coco.dataset = {
            "images": [{"id": number} for number in images.values()],
            "categories": [{"id": number} for number in truth.category_ids],
            "annotations": [{"id": n, **one} for n, one in enumerate(annotations, start=1)],
        }
        coco.createIndex()
        return coco

    objects, detections = [], []
    for record in truth.records:
        objects += [
            {
                "image_id": images[record.image_id],
                "category_id": truth.category_ids[record.classes[i]],
                "bbox": record.boxes[i].tolist(),
                "area": float(record.areas[i]),
                "iscrowd": int(record.is_crowd[i]),
            }
            for i in range(len(record.boxes))
        ]
    for record, output in random_pairs(truth):
        detections += [
            {
                "image_id": images[record.image_id],
                "category_id": truth.category_ids[output.classes[i]],
                "bbox": output.boxes[i].tolist(),
                "area": float(output.boxes[i][2] * output.boxes[i][3]),
                "score": float(output.scores[i]),
                "iscrowd": 0,
            }
            for i in range(len(output.boxes))
        ]
    with contextlib.redirect_stdout(io.StringIO()):
        measured = COCOeval(index(objects), index(detections), "bbox")
        measured.evaluate()
        measured.accumulate()
    return measured


def test_the_curves_of_all_classes_are_cocos_precision_to_the_last_digit(truth, result, direct):
    for index, category_id in enumerate(truth.category_ids):
        number = direct.params.catIds.index(category_id)
        expected = direct.eval["precision"][0, :, number, 0, -1]
        assert np.array_equal(result.curves[index].precision_at_recalls(), expected)
        assert 0.05 < expected.mean() < 0.95
        assert result.curves[index].average_precision == result.per_class[index].AP50
        recall = direct.eval["recall"][0, number, 0, -1]
        assert result.curves[index].recall[-1] == recall


def test_the_sizes_of_each_class_are_cocos(truth, result, direct):
    for index, category_id in enumerate(truth.category_ids):
        number, one = direct.params.catIds.index(category_id), result.per_class[index]
        for area, value in enumerate((one.AP_small, one.AP_medium, one.AP_large), start=1):
            expected = direct.eval["precision"][:, :, number, area, -1].mean()
            assert value == (None if expected < 0 else expected)


def test_a_curve_computed_by_hand():
    # Three of four objects are found, by the first, the third and the fourth detection.
    one = curve([0.9, 0.8, 0.7, 0.4, 0.2], [1, 0, 1, 1, 0], 4)
    assert one.precision == pytest.approx([1, 1 / 2, 2 / 3, 3 / 4, 3 / 5])
    assert one.recall == pytest.approx([1 / 4, 1 / 4, 2 / 4, 3 / 4, 3 / 4])
    assert one.f1 == pytest.approx([2 / 5, 2 / 6, 4 / 7, 6 / 8, 6 / 9])
    assert one.best == pytest.approx((0.75, (0.4 + 0.2) / 2))
    # Precision 1 up to recall 1/4 (26 of 101 points), then 3/4 up to recall 3/4 (50).
    assert one.average_precision == pytest.approx((26 * 1 + 50 * 0.75) / 101, abs=1e-12)


def test_detections_of_one_score_are_taken_together_or_not_at_all():
    # After the first of the two at 0.5 the F1 would be 1; both of them come with that score.
    assert curve([0.5, 0.5], [1, 0], 1).best == pytest.approx((2 / 3, 0.25))


def test_the_best_score_leaves_room_on_both_sides():
    """Another processor's last digits change no answer at it."""
    one = curve([0.9, 0.7, 0.5], [1, 1, 0], 2)
    assert one.best == pytest.approx((1.0, 0.6))


def test_without_anything_right_there_is_no_best_score():
    assert curve([0.9], [0], 3).best is None
    assert curve([], [], 3).best is None
    assert curve([], [], 3).average_precision == 0.0
    assert curve([0.9], [0], 0).average_precision is None


def test_the_score_thresholds_are_those_of_the_greatest_f1(result):
    for one, found in zip(result.per_class, result.curves, strict=True):
        reached = [
            2 * found.is_right[found.scores >= score].sum()
            / ((found.scores >= score).sum() + found.objects)
            for score in np.unique(found.scores)
        ]  # fmt: skip
        assert one.F1 == pytest.approx(max(reached))
        assert result.score_thresholds[one.name] == one.score
        scores = np.append(0.0, np.unique(found.scores))
        last = int(np.argmax(reached)) + 1
        assert one.score == pytest.approx(scores[last - 1 : last + 1].mean())
