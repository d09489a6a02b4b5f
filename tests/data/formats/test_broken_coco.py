"""Whatever stands in a COCO file, it becomes records, counted problems, or one error."""

import json
import os

import pytest
from hypothesis import HealthCheck, given, settings
from mutations import mutated_file, outcome
from PIL import Image

from keras_effspine.data.checks import describe_problems
from keras_effspine.data.formats.coco import load_coco
from keras_effspine.data.formats.coco_panoptic import load_coco_panoptic
from keras_effspine.data.formats.coco_saving import save_coco
from keras_effspine.data.object_maps import with_object_maps
from keras_effspine.data.record_columns import RecordColumns

EXAMPLES = int(os.environ.get("EFFSPINE_TEST_EXAMPLES", "150"))
"""Mutated files a test; more for a longer search by hand."""

THOROUGH = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

CONTENT = {
    "images": [
        {"id": 1, "file_name": "a.png", "width": 30, "height": 20},
        {"id": 2, "file_name": "sub\\b.png", "width": 12, "height": 10},
        {"id": 3, "file_name": "a.png"},
    ],
    "annotations": [
        {
            "id": 1,
            "image_id": 1,
            "category_id": 1,
            "bbox": [1, 1, 8, 8.5],
            "area": 34.25,
            "segmentation": [[1, 1, 9, 1, 9, 9.5], [20, 10, 25, 10, 25, 15, 20, 15]],
        },
        {
            "id": 2,
            "image_id": 2,
            "category_id": 2,
            "bbox": [0, 2, 10, 5],
            "iscrowd": 1,
            "segmentation": {"size": [10, 12], "counts": [50, 20, 50]},
        },
        {
            "id": 3,
            "image_id": 2,
            "category_id": 2,
            "bbox": [0, 2, 10, 5],
            "segmentation": {"size": [10, 12], "counts": "b1d0b1"},
            "attributes": {"occluded": True},
        },
        {"id": 4, "image_id": 3, "category_id": 1, "bbox": [2, 3, 10, 5]},
    ],
    "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
}

PANOPTIC = {
    **CONTENT,
    "annotations": [
        {
            "image_id": 1,
            "file_name": "a.png",
            "segments_info": [
                {"id": 7, "category_id": 1, "bbox": [1, 1, 8, 8], "area": 64, "iscrowd": 0},
                {"id": 300, "category_id": 2, "area": 5},
            ],
        },
        {"image_id": 3, "file_name": "c.png", "segments_info": []},
    ],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("coco")
    (folder / "train").mkdir()
    Image.new("RGB", (30, 20)).save(folder / "a.png")
    return folder


def check_problems(record_set, file):
    for problem in record_set.problems:
        assert file in problem.where or "image " in problem.where
        assert len(problem.where) + len(problem.kind) < 600
    assert all(len(line) < 2500 for line in describe_problems(record_set))


def test_the_good_files_have_no_problems(folder):
    (folder / "train.json").write_text(json.dumps(CONTENT))
    assert load_coco(folder / "train.json", folder).problems == ()
    (folder / "train.json").write_text(json.dumps(PANOPTIC))
    (problem,) = load_coco_panoptic(folder / "train.json", folder).problems
    assert problem.where == "image 2"


@THOROUGH
@given(content=mutated_file(CONTENT))
def test_objects(folder, content):
    (folder / "train.json").write_bytes(content)
    record_set = outcome(lambda: load_coco(folder / "train.json", folder))
    if record_set is None:
        return
    check_problems(record_set, "train.json")
    RecordColumns.of(record_set.records)
    outcome(lambda: save_coco(record_set, folder / "again.json", folder))
    ids = [one for record in record_set.records for one in record.annotation_ids]
    assert len(set(ids)) == len(ids)
    with_maps = outcome(lambda: with_object_maps(record_set))
    for record in with_maps.records if with_maps else ():
        assert (record.boxes[:, 2:] > 0).all()
        classes = record.semantic_map.read(record)
        assert classes.shape == (record.height, record.width)


@THOROUGH
@given(content=mutated_file(PANOPTIC))
def test_panoptic_segments(folder, content):
    (folder / "train.json").write_bytes(content)
    record_set = outcome(lambda: load_coco_panoptic(folder / "train.json", folder))
    if record_set is not None:
        check_problems(record_set, "train.json")
        RecordColumns.of(record_set.records)
