import dataclasses
import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from keras_effspine.data.record import Record, RecordSet, record_without_objects
from keras_effspine.errors import DataError
from keras_effspine.evaluation.coco_detection import Boxes, CocoDetectionEvaluator
from keras_effspine.evaluation.detection_result import STAT_NAMES

# A COCO file by hand. Category 0, annotation id 0, a crowd, areas that are not width times height,
# a picture without objects (30), one without detections (12), one that is never run (44), a class
# without objects (mug), and categories out of order.
IMAGE_IDS = [30, 7, 12, 9, 44]
CATEGORIES = [{"id": 5, "name": "cat"}, {"id": 0, "name": "dog"}, {"id": 90, "name": "mug"}]
ANNOTATIONS = [
    {"id": 0, "image_id": 7, "category_id": 0, "bbox": [10, 10, 50, 40], "area": 1000.0},
    {"id": 1, "image_id": 7, "category_id": 5, "bbox": [70, 20, 120, 130], "area": 9500.5},
    {"id": 2, "image_id": 7, "category_id": 0, "bbox": [12.5, 60, 20, 20], "area": 399.0},
    {"id": 3, "image_id": 9, "category_id": 0, "bbox": [0, 0, 150, 90], "area": 9000, "iscrowd": 1},
    {"id": 4, "image_id": 9, "category_id": 0, "bbox": [30, 100, 33, 41], "area": 1353.0},
    {"id": 5, "image_id": 12, "category_id": 5, "bbox": [5, 5, 60, 60], "area": 1800.0},
    {"id": 6, "image_id": 12, "category_id": 0, "bbox": [90, 90, 9, 9], "area": 60.0},
    {"id": 7, "image_id": 44, "category_id": 5, "bbox": [1, 2, 101, 102], "area": 9999.0},
]
# image id -> boxes, scores, category ids
DETECTIONS = {
    30: ([[3, 4, 50, 60]], [0.9], [0]),  # as sure as a hit on 7: ties go by sorted image id
    7: (
        [[11, 11, 50, 41], [12, 11, 45, 40], [71, 25, 118, 120], [12, 61, 19, 20.25], [0, 0, 9, 9]],
        [0.9, 0.9, 0.6, 0.3, 0.8],
        [0, 0, 5, 0, 90],
    ),
    9: (
        [[2, 3, 40, 40], [60, 10, 60, 60], [31, 98, 35, 40], [200, 1, 5, 5]],
        [0.7, 0.6, 0.55, 0.9],
        [0, 0, 0, 5],
    ),
    12: ([], [], []),
}


def record_set(image_ids=lambda one: one):
    category_ids = [category["id"] for category in CATEGORIES]
    records = []
    for image_id in IMAGE_IDS:
        found = [one for one in ANNOTATIONS if one["image_id"] == image_id]
        records.append(
            Record(
                image_id=image_ids(image_id),
                path=pathlib.Path(f"{image_id}.jpg"),
                width=300,
                height=200,
                boxes=np.array([one["bbox"] for one in found], "float64").reshape(-1, 4),
                classes=np.array([category_ids.index(one["category_id"]) for one in found], int),
                areas=np.array([one["area"] for one in found], "float64"),
                is_crowd=np.array([one.get("iscrowd", 0) for one in found], bool),
                annotation_ids=tuple(one["id"] for one in found),
            )
        )
    names = tuple(category["name"] for category in CATEGORIES)
    return RecordSet(tuple(records), names, tuple(category_ids), "truth.json")


def add(evaluator, image_id, boxes, scores, classes):
    record = record_without_objects(image_id=image_id, path=None, width=300, height=200)
    evaluator.add(record, Boxes(boxes=boxes, scores=scores, classes=classes))


def evaluated(image_ids=lambda one: one, order=None):
    """The evaluator after all of `DETECTIONS`, picture 44 left out."""
    evaluator = CocoDetectionEvaluator(record_set(image_ids))
    category_ids = [category["id"] for category in CATEGORIES]
    for image_id in order or DETECTIONS:
        boxes, scores, categories = DETECTIONS[image_id]
        classes = [category_ids.index(category) for category in categories]
        add(evaluator, image_ids(image_id), boxes, scores, classes)
    return evaluator


@pytest.fixture(scope="module")
def direct(tmp_path_factory):
    """pycocotools on JSON files, in its own words; annotation ids from 1, as it needs them."""
    folder = tmp_path_factory.mktemp("coco")
    annotations = [{"iscrowd": 0, **one, "id": one["id"] + 1} for one in ANNOTATIONS]
    truth = {
        "images": [{"id": one, "width": 300, "height": 200} for one in IMAGE_IDS],
        "categories": CATEGORIES,
        "annotations": annotations,
    }
    results = [
        {"image_id": image_id, "category_id": category, "bbox": box, "score": score}
        for image_id, found in DETECTIONS.items()
        for box, score, category in zip(*found, strict=True)
    ]
    (folder / "truth.json").write_text(json.dumps(truth))
    (folder / "results.json").write_text(json.dumps(results))
    coco = COCO(str(folder / "truth.json"))
    measured = COCOeval(coco, coco.loadRes(str(folder / "results.json")), "bbox")
    measured.evaluate()
    measured.accumulate()
    measured.summarize()
    return measured


def or_minus_one(value):
    return -1.0 if value is None else value


def one_object(box, **changes):
    """One picture, one class, one object."""
    fields = {
        "image_id": 1,
        "path": pathlib.Path("1.jpg"),
        "width": 100,
        "height": 100,
        "boxes": np.array([box], "float64"),
        "classes": np.array([0]),
        "areas": np.array([box[2] * box[3]], "float64"),
        "is_crowd": np.array([False]),
        "annotation_ids": (0,),
    }
    return RecordSet((Record(**{**fields, **changes}),), ("ball",), (0,), "one.json")


def test_the_twelve_numbers_are_those_of_pycocotools_to_the_last_digit(direct):
    stats = evaluated().result().stats
    assert tuple(stats) == STAT_NAMES
    assert [or_minus_one(value) for value in stats.values()] == direct.stats.tolist()
    assert 0 < stats["AP"] < stats["AP50"] < 1


def test_the_numbers_per_class_are_those_of_pycocotools_to_the_last_digit(direct):
    for one in evaluated().result().per_class:
        category = next(each["id"] for each in CATEGORIES if each["name"] == one.name)
        precision = direct.eval["precision"][:, :, direct.params.catIds.index(category), 0, 2]
        assert or_minus_one(one.AP) == precision.mean()
        assert or_minus_one(one.AP50) == precision[0].mean()


@pytest.mark.parametrize("image_ids", [lambda one: f"img_{one:03d}", lambda one: one - 20])
def test_image_ids_may_be_strings_or_any_integers(direct, image_ids):
    evaluator = evaluated(image_ids)
    stats = evaluator.result().stats
    assert [or_minus_one(value) for value in stats.values()] == direct.stats.tolist()
    assert evaluator.predictions()[0]["image_id"] == image_ids(30)


def test_the_order_in_which_pictures_are_added_does_not_matter(direct):
    stats = evaluated(order=[12, 9, 30, 7]).result().stats
    assert [or_minus_one(value) for value in stats.values()] == direct.stats.tolist()


def test_a_class_without_objects_has_no_average_precision():
    mug = evaluated().result().per_class[2]
    assert (mug.name, mug.AP, mug.AP50, mug.objects) == ("mug", None, None, 0)


def test_the_result_counts_what_was_there_and_what_was_added():
    result = evaluated().result()
    assert (result.images, result.images_added) == (5, 4)
    assert (result.objects, result.crowds, result.detections) == (7, 1, 10)
    assert [one.objects for one in result.per_class] == [3, 4, 0]


def test_detections_come_back_in_the_results_format_with_the_ids_of_the_source():
    detections = evaluated().predictions()
    assert len(detections) == 10
    assert detections[3] == {
        "image_id": 7,
        "category_id": 5,
        "category_name": "cat",
        "bbox": [71.0, 25.0, 118.0, 120.0],
        "score": 0.6,
    }
    assert json.loads(json.dumps(detections)) == detections


def test_two_of_three_objects_found_behind_a_false_alarm_give_the_ap_computed_by_hand():
    records = RecordSet(
        one_object(
            [0, 0, 20, 20],
            boxes=np.array([[0, 0, 20, 20], [40, 0, 20, 20], [0, 40, 20, 20]], "float64"),
            classes=np.zeros(3, int),
            areas=np.full(3, 400.0),
            is_crowd=np.zeros(3, bool),
        ).records,
        ("ball",),
        (0,),
        "three.json",
    )
    evaluator = CocoDetectionEvaluator(records)
    boxes = [[0, 0, 20, 20], [70, 70, 20, 20], [40, 0, 20, 20]]
    add(evaluator, 1, boxes, [0.9, 0.8, 0.7], [0, 0, 0])
    stats = evaluator.result().stats
    # Precision 1 up to recall 1/3 (34 of the 101 recall points), then 2/3 up to recall 2/3 (33).
    assert stats["AP"] == pytest.approx((34 * 1 + 33 * 2 / 3) / 101, abs=1e-12)
    assert stats["AR1"] == pytest.approx(1 / 3)
    assert stats["AR100"] == pytest.approx(2 / 3)
    assert stats["AP_small"] == stats["AP"]
    assert stats["AP_large"] is None


def test_one_object_found_exactly_scores_one_with_class_and_annotation_id_zero():
    evaluator = CocoDetectionEvaluator(one_object([10, 20, 30, 40]))
    add(evaluator, 1, np.array([[10, 20, 30, 40]], "float32"), np.array([0.5]), np.array([0]))
    assert evaluator.result().stats["AP"] == pytest.approx(1.0)


def test_size_is_told_by_the_annotated_area_and_not_by_the_box():
    records = one_object([0, 0, 90, 90], areas=np.array([500.0]))
    evaluator = CocoDetectionEvaluator(records)
    add(evaluator, 1, [[0, 0, 90, 90]], [0.5], [0])
    stats = evaluator.result().stats
    assert stats["AP_small"] == pytest.approx(1.0)
    assert stats["AP_medium"] is None


def test_a_crowd_alone_leaves_nothing_to_measure():
    evaluator = CocoDetectionEvaluator(one_object([0, 0, 9, 9], is_crowd=np.array([True])))
    result = evaluator.result()
    assert set(result.stats.values()) == {None}
    assert (result.objects, result.crowds) == (0, 1)


def test_no_detections_at_all_score_zero_and_not_an_error():
    result = CocoDetectionEvaluator(record_set()).result()
    assert result.stats["AP"] == 0.0
    assert result.stats["AR100"] == 0.0
    assert (result.images_added, result.detections) == (0, 0)


def test_an_empty_data_set_has_no_numbers():
    result = CocoDetectionEvaluator(RecordSet((), ("ball",), (1,), "empty.json")).result()
    assert set(result.stats.values()) == {None}


def test_only_the_hundred_highest_scores_of_a_picture_and_class_count():
    evaluator = CocoDetectionEvaluator(one_object([10, 20, 30, 40]))
    boxes = [[60, 60, 5, 5]] * 100 + [[10, 20, 30, 40]]
    add(evaluator, 1, boxes, np.linspace(1, 0, 101), np.zeros(101, int))
    assert evaluator.result().stats["AP"] == 0.0


def test_measuring_prints_nothing_and_can_be_repeated(capsys):
    evaluator = evaluated()
    assert evaluator.result() == evaluator.result()
    assert capsys.readouterr().out == ""


def test_arrays_changed_after_adding_do_not_change_the_result():
    evaluator = CocoDetectionEvaluator(one_object([10, 20, 30, 40]))
    boxes = np.array([[10.0, 20, 30, 40]])
    add(evaluator, 1, boxes, [0.5], [0])
    boxes[:] = 0
    assert evaluator.predictions()[0]["bbox"] == [10, 20, 30, 40]


BOX = [1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize(
    ("boxes", "scores", "classes", "message"),
    [
        ([[1.0, float("nan"), 3, 4]], [0.5], [0], "NaN"),
        ([BOX], [float("nan")], [0], "NaN"),
        ([BOX], [float("inf")], [0], "infinity"),
        ([BOX], [0.5], [3], "class 3"),
        ([BOX], [0.5], [-1], "class -1"),
        ([BOX], [0.5], [0.5], "class 0.5"),
        ([BOX], [0.5, 0.6], [0], "shapes"),
        ([BOX], [0.5], [], "shapes"),
        ([], [0.5], [0], "shapes"),
        (BOX, [0.5], [0], "shapes"),
        ([BOX[:3]], [0.5], [0], "shapes"),
        ([[10, 10, -5, 5]], [0.5], [0], "negative"),
    ],
)
def test_bad_detections_are_refused_by_the_id_of_their_picture(boxes, scores, classes, message):
    evaluator = CocoDetectionEvaluator(record_set())
    with pytest.raises(ValueError, match=rf"12.*{message}"):
        add(evaluator, 12, boxes, scores, classes)
    add(evaluator, 12, [BOX], [0.5], [0])  # nothing was kept of the refused ones


def test_an_unknown_and_a_repeated_image_id_are_refused():
    evaluator = CocoDetectionEvaluator(record_set())
    with pytest.raises(ValueError, match=r"999.*truth\.json"):
        add(evaluator, 999, [], [], [])
    add(evaluator, 7, [], [], [])
    with pytest.raises(ValueError, match="7 was already added"):
        add(evaluator, 7, [], [], [])


def test_a_data_set_that_repeats_an_image_id_is_refused():
    records = one_object([0, 0, 9, 9])
    twice = dataclasses.replace(records, records=records.records * 2)
    with pytest.raises(DataError, match=r"one\.json.*image id 1"):
        CocoDetectionEvaluator(twice)


def test_the_evaluator_does_not_import_tensorflow_or_keras():
    code = (
        "import sys, keras_effspine.evaluation.coco_detection, keras_effspine.evaluation.report;"
        "sys.exit(bool({'tensorflow', 'keras', 'keras_cv'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
