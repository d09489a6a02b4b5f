"""Average precision of masks: equal to pycocotools run by hand."""

import contextlib
import dataclasses
import io
import json

import numpy as np
import pycocotools.mask
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from keras_effspine.data.formats.coco import load_coco
from keras_effspine.data.run_lengths import decoded, run_lengths_of
from keras_effspine.evaluation.coco_instances import (
    CocoInstanceEvaluator,
    Instances,
    known_masks,
)
from keras_effspine.evaluation.detection_result import STAT_NAMES

SIZES = {3: (120, 160), 1: (200, 150), 7: (90, 90)}


def polygon(left, top, width, height):
    """An octagon in its box."""
    x, y = (
        left + width * np.array([0.3, 0.7, 1, 1, 0.7, 0.3, 0, 0]),
        top + height * np.array([0, 0, 0.3, 0.7, 1, 1, 0.7, 0.3]),
    )
    return [np.stack([x, y], axis=-1).ravel().tolist()]


@pytest.fixture(scope="module")
def truth(tmp_path_factory):
    """A COCO file with polygons, run lengths of both kinds, and two crowds; and its records."""
    random, annotations = np.random.default_rng(0), []
    for image_id, (height, width) in SIZES.items():
        for number in range(6 if image_id != 7 else 0):
            box = [*random.uniform(0, 60, 2), *random.uniform(15, 80, 2)]
            box[2:] = np.minimum(box[2:], [width - box[0], height - box[1]])
            mask = polygon(*box)
            rle = run_lengths_of(mask, width, height)
            crowd = number == 5
            area = float(pycocotools.mask.area(rle))
            if crowd:
                mask = {**rle}
            elif number == 1:
                plane = decoded(rle).T.ravel().astype("int8")
                edges = np.flatnonzero(np.diff(np.pad(plane, 1)))
                counts = np.diff(edges, prepend=0, append=plane.size).tolist()
                mask = {"size": rle["size"], "counts": counts}
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    "category_id": int(random.integers(1, 3)) * 10,
                    "bbox": [float(x) for x in box],
                    "area": area,
                    "iscrowd": int(crowd),
                    "segmentation": mask,
                }
            )
    folder = tmp_path_factory.mktemp("truth")
    content = {
        "images": [
            {"id": i, "file_name": f"{i}.jpg", "height": h, "width": w}
            for i, (h, w) in SIZES.items()
        ],
        "categories": [{"id": 10, "name": "cat"}, {"id": 20, "name": "dog"}],
        "annotations": annotations,
    }
    (folder / "truth.json").write_text(json.dumps(content))
    for image_id in SIZES:
        (folder / f"{image_id}.jpg").touch()
    return folder / "truth.json", load_coco(folder / "truth.json", folder)


def predictions(records, seed=1):
    """Moved and misnamed truths, a part of them within the crowds, and some noise."""
    random, found = np.random.default_rng(seed), {}
    for record in records:
        boxes = record.boxes + random.uniform(-5, 5, record.boxes.shape)
        boxes = np.concatenate([boxes, random.uniform(10, 60, (4, 4))])
        boxes = np.concatenate([boxes[:, :2].clip(0), boxes[:, 2:].clip(3)], axis=-1)
        classes = np.concatenate([record.classes, random.integers(0, 2, 4)])
        flipped = random.uniform(size=len(classes)) < 0.15
        found[record.image_id] = Instances(
            boxes=boxes,
            classes=np.where(flipped, 1 - classes, classes),
            scores=random.uniform(size=len(boxes)),
            masks=tuple(
                run_lengths_of(polygon(*box), record.width, record.height) for box in boxes
            ),
        )
    return found


def added(record_set, outputs):
    evaluator = CocoInstanceEvaluator(record_set)
    for record in record_set.records:
        evaluator.add(record, outputs[record.image_id])
    return evaluator


def by_hand(file, entries, kind):
    """`COCOeval` on files, as anyone would call it."""
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(file))
        measured = COCOeval(coco, coco.loadRes(entries), kind)
        measured.evaluate()
        measured.accumulate()
        measured.summarize()
    return dict(zip(STAT_NAMES, measured.stats.tolist(), strict=True))


def test_masks_and_boxes_are_measured_as_by_pycocotools_crowds_included(truth):
    file, record_set = truth
    evaluator = added(record_set, predictions(record_set.records))
    entries = json.loads(json.dumps(evaluator.predictions()))
    result = evaluator.result()
    assert 0.1 < result.metrics["mask_AP"] < 0.9
    # As COCO's own loader does of results, boxes come of entries that have no mask.
    boxes = [{k: v for k, v in one.items() if k != "segmentation"} for one in entries]
    masks = [{k: v for k, v in one.items() if k != "bbox"} for one in entries]
    for kind, result_of, found in (
        ("segm", result.masks, masks),
        ("bbox", result.boxes, boxes),
    ):
        expected = by_hand(file, found, kind)
        for name, value in result_of.stats.items():
            assert (-1 if value is None else value) == expected[name], (kind, name)
    assert list(result.metrics)[0] == "mask_AP"
    assert result.masks.crowds == 2
    assert result.masks.stats != result.boxes.stats


def test_the_truth_scores_one(truth):
    _, record_set = truth
    outputs = {
        r.image_id: Instances(r.boxes, r.classes, np.ones(len(r.boxes)), masks=known_masks(r))
        for r in record_set.records
    }
    metrics = added(record_set, outputs).result().metrics
    assert metrics["mask_AP"] == metrics["box_AP"] == pytest.approx(1.0)


def test_an_object_without_a_mask_is_neither_rewarded_nor_punished(truth):
    _, record_set = truth
    unknown = tuple(
        dataclasses.replace(r, masks=(None, [[1.0]], *r.masks[2:])) if len(r.boxes) else r
        for r in record_set.records
    )
    outputs = predictions(record_set.records)
    evaluator = added(dataclasses.replace(record_set, records=unknown), outputs)
    result = evaluator.result()
    assert result.unknown_masks == 4
    assert result.boxes.stats == added(record_set, outputs).result().boxes.stats
    perfect = {
        r.image_id: Instances(
            r.boxes[2:], r.classes[2:], np.ones(len(r.boxes[2:])), masks=known_masks(r)[2:]
        )
        for r in unknown
    }
    evaluator = added(dataclasses.replace(record_set, records=unknown), perfect)
    assert evaluator.result().metrics["mask_AP"] == pytest.approx(1.0)
    assert "4 objects without a mask are left out" in evaluator.result().tables()[0].caption


def test_a_cap_that_cuts_is_said(truth):
    _, record_set = truth
    outputs = predictions(record_set.records)
    assert "max_detections" not in added(record_set, outputs).result().tables()[1].caption
    outputs[3] = dataclasses.replace(outputs[3], is_cut=True)
    result = added(record_set, outputs).result()
    assert "on 1 pictures the model gave as many objects" in result.tables()[1].caption
    assert json.loads(json.dumps(result.as_json()))["pictures_with_the_most_detections"] == 1


def test_masks_of_another_size_or_number_are_refused(truth):
    _, record_set = truth
    record = record_set.records[0]
    output = predictions([record])[record.image_id]
    small = run_lengths_of(polygon(1, 1, 9, 9), 20, 20)
    for masks in (output.masks[1:], (small, *output.masks[1:]), (None, *output.masks[1:])):
        wrong = Instances(output.boxes, output.classes, output.scores, masks=masks)
        with pytest.raises(ValueError, match=r"must have a mask of \[120, 160\] each"):
            CocoInstanceEvaluator(record_set).add(record, wrong)
