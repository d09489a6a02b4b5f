"""A closer look at each task, at predictions that are made of the annotations."""

import json

import numpy as np
import pytest
from PIL import Image
from small_classes import class_folders
from small_maps import write_mask_folder

from keras_effspine.data.loading import load_records
from keras_effspine.data.record import RecordSet
from keras_effspine.data.run_lengths import decoded
from keras_effspine.evaluation.classification import Classes
from keras_effspine.evaluation.coco_detection import Boxes
from keras_effspine.evaluation.coco_instances import Instances
from keras_effspine.tasks.closer_look import CloserLook
from keras_effspine.tasks.registry import find_task

pytest.importorskip("matplotlib")


def boxes(record):
    """All objects but the first, and another class for the last."""
    real = np.flatnonzero(~record.is_crowd)
    classes = record.classes[real].copy()
    if len(classes) > 1:
        classes[-1] = (classes[-1] + 1) % 6
    scores = np.linspace(0.9, 0.4, len(real))
    return Boxes(record.boxes[real], classes, scores).those(np.arange(1, len(real)))


def instances(record):
    found = boxes(record)
    truth = find_task("instance_segmentation").truth(record)
    real = np.flatnonzero(~record.is_crowd)[1:]
    return Instances(
        found.boxes, found.classes, found.scores, masks=tuple(truth.masks[i] for i in real)
    )


@pytest.fixture
def cases(handful, tmp_path):
    """Of each task the data, what is predicted of a record, and names of the findings."""

    def make(name):
        if name in ("detection", "instance_segmentation"):
            predict = boxes if name == "detection" else instances
            return handful.records, predict, ["confusion_matrix", "curves", "errors", "sizes"]
        if name == "classification":
            records = load_records(class_folders(tmp_path / "a"), split="val", labels=("image",))
            wrong = records.records[0].image_id

            def answer(record):
                label = record.image_label
                first = 1 - label if record.image_id == wrong else label
                return Classes(np.array([first, 1 - first]), np.array([0.8, 0.2]))

            return records, answer, ["confusion_matrix", "curves"]
        maps = load_records(write_mask_folder(tmp_path / "b"), labels=("semantic",))

        def shifted(record):
            truth = np.where(record.semantic_map.read(record) == 255, 0, 1)
            return (truth * record.semantic_map.read(record)).astype("uint8")

        return maps, shifted, ["confusion_matrix", "classes"]

    return make


@pytest.mark.parametrize(
    "name", ["detection", "instance_segmentation", "classification", "semantic_segmentation"]
)
def test_each_task_is_looked_at_and_written(name, cases, tmp_path):
    records, predict, names = cases(name)
    look = CloserLook(find_task(name), records)
    for record in records.records:
        look.add(record, predict(record))
    findings = look.findings()
    assert [finding.name for finding in findings] == [*names, "worst"]
    assert all(table.row_count <= 16 for table in look.tables())
    page = look.write(tmp_path / "look", name, ["a fact"])
    assert page.name == "report.html"
    files = {path.name for path in (tmp_path / "look").iterdir()}
    assert files == {*(f"{one}.png" for one in [*names, "worst"]), "report.html", "report.json"}
    values = json.loads((tmp_path / "look/report.json").read_text())
    assert values["result"] == json.loads(json.dumps(look.result().as_json()))
    grades = [one["grade"] for one in values["worst"]]
    assert grades == sorted(grades)
    with Image.open(tmp_path / "look/worst.png") as image:
        assert image.size[0] > 900


def test_the_confusions_are_the_mistakes_that_were_made(cases):
    records, predict, _ = cases("detection")
    look = CloserLook(find_task("detection"), records)
    for record in records.records:
        look.add(record, predict(record))
    matrix = np.array(look.findings()[0].values["annotated_by_predicted"])
    counts = [int(np.sum(~record.is_crowd)) for record in records.records]
    assert matrix[:-1, -1].sum() >= sum(count > 0 for count in counts)  # each first one is missed
    assert matrix.sum() == sum(counts) + matrix[-1].sum()
    assert np.trace(matrix) < sum(counts)


def test_what_is_measured_changes_with_what_is_added(cases):
    records, predict, _ = cases("classification")
    look = CloserLook(find_task("classification"), records)
    look.add(records.records[0], predict(records.records[0]))
    first = look.result().metrics["top1"]
    for record in records.records[1:]:
        look.add(record, predict(record))
    assert look.result().metrics["top1"] > first
    assert len(look.findings()[-1].values) == len(records.records)


def test_masks_are_what_is_looked_at(handful):
    """Boxes fit, but half of each mask is missing: most of it is no longer found."""
    task = find_task("instance_segmentation")
    look = CloserLook(task, handful.records)
    for record in handful.records.records:
        truth = task.truth(record)
        real = np.flatnonzero(~record.is_crowd)
        masks = []
        for index in real:
            mask = decoded(truth.masks[index])
            rows = np.flatnonzero(mask.any(axis=1))
            mask[rows[0] : rows[0] + int(0.6 * len(rows))] = False
            masks.append(_encoded(mask))
        found = Instances(
            record.boxes[real], record.classes[real], np.full(len(real), 0.9), masks=tuple(masks)
        )
        look.add(record, found)
    errors = look.findings()[2].values
    assert errors["counts"]["localisation"] > 0
    assert errors["AP50"] < 0.5 < look.result().boxes.stats["AP50"]


def _encoded(mask):
    import pycocotools.mask

    found = pycocotools.mask.encode(np.asfortranarray(mask, dtype="uint8"))
    return {"size": found["size"], "counts": found["counts"].decode("ascii")}


def test_nothing_to_grade_has_no_worst_pictures(handful):
    empty = RecordSet((), handful.records.class_names, handful.records.category_ids, "none")
    names = [one.name for one in CloserLook(find_task("detection"), empty).findings()]
    assert "worst" not in names
