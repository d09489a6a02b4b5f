"""Label Studio's own JSON: tasks as people export them, and as models fill them."""

import json

import numpy as np
import pytest
from PIL import Image

from keras_effspine.data.formats.label_studio import load_label_studio
from keras_effspine.data.loading import load_records


def result(value, number="a", **changes):
    size = {"original_width": 40, "original_height": 30}
    return {"id": number, "type": "rectanglelabels", **size, "value": value, **changes}


def box(x=10, y=20, width=50, height=10, label="cat", **changes):
    numbers = {"x": x, "y": y, "width": width, "height": height}
    return {**numbers, "rotation": 0, "rectanglelabels": [label], **changes}


def task(image, **lists):
    return {"id": 5, "data": {"caption": "seen", "image": image}, **lists}


def annotation(*results, **changes):
    return {"result": list(results), "was_cancelled": False, **changes}


def studio(folder, *tasks, pictures=("a.png",)):
    folder.mkdir(exist_ok=True)
    for name in pictures:
        Image.new("RGB", (40, 30)).save(folder / name)
    (folder / "project.json").write_text(json.dumps(list(tasks)))
    return folder


@pytest.mark.parametrize(
    "address",
    [
        "/data/upload/3/0f1e2d3c-a.png",
        "/data/local-files/?d=photos/a.png",
        "https://example.org/some/a.png?token=b.png",
        "s3://bucket/a.png",
        "C:\\photos\\a.png",
    ],
)
def test_a_picture_is_found_by_its_address(tmp_path, address):
    records = load_label_studio(
        studio(tmp_path, task(address, annotations=[annotation(result(box()))]))
    )
    (record,) = records.records
    assert record.path.name == "a.png"
    assert record.boxes.tolist() == [[4, 6, 20, 3]]
    assert records.class_names == ("cat",)


def test_shapes_become_boxes_and_masks(tmp_path):
    polygon = {"points": [[10, 10], [60, 10], [60, 50], [10, 50]], "polygonlabels": ["dog"]}
    ellipse = {"x": 50, "y": 50, "radiusX": 25, "radiusY": 10, "ellipselabels": ["cat"]}
    turned = box(50, 0, 25, 20, rotation=90)
    said = annotation(result(polygon, "a"), result(ellipse, "b"), result(turned, "c"))
    (record,) = load_label_studio(studio(tmp_path, task("a.png", annotations=[said]))).records
    np.testing.assert_allclose(
        record.boxes, [[4, 3, 20, 12], [10, 12, 20, 6], [14, 0, 6, 10]], atol=0.02
    )
    assert record.classes.tolist() == [1, 0, 0]
    assert record.masks[0] == [[4, 3, 24, 3, 24, 15, 4, 15]]
    assert record.masks[2] is None


def test_a_shape_and_its_label_may_be_apart(tmp_path):
    bare = box()
    bare.pop("rectanglelabels")
    said = annotation(
        result(bare, "a", type="rectangle"), result({**bare, "labels": ["dog"]}, "a", type="labels")
    )
    records = load_label_studio(studio(tmp_path, task("a.png", annotations=[said])))
    assert records.class_names == ("dog",)
    assert len(records.records[0].boxes) == 1


def test_the_last_annotation_that_was_not_cancelled_counts(tmp_path):
    several = [
        annotation(result(box(label="first"))),
        annotation(result(box(label="second"))),
        annotation(result(box(label="third")), was_cancelled=True),
    ]
    predictions = [{"result": [result(box(label="guess"))]}]
    tasks = [
        task("a.png", annotations=several, predictions=predictions),
        task("b.png", annotations=[], predictions=predictions),
    ]
    records = load_label_studio(studio(tmp_path, *tasks, pictures=("a.png", "b.png")))
    assert records.class_names == ("second",)
    assert [record.path.name for record in records.records] == ["a.png"]
    assert {problem.kind for problem in records.problems} == {
        "task that nobody annotated",
        "picture without an annotation",
    }


def test_predictions_count_where_nobody_has_annotated(tmp_path):
    guess = {"result": [result(box(), score=0.75)], "score": 0.75}
    (record,) = load_label_studio(studio(tmp_path, task("a.png", predictions=[guess]))).records
    assert record.attributes == ({"score": 0.75},)


@pytest.mark.parametrize(
    ("value", "changes", "problem"),
    [
        (box(width="wide"), {}, "shape without its numbers"),
        (box(), {"original_width": None}, "shape of a picture whose size is not said"),
        ({"points": [[1, 2], [3]], "polygonlabels": ["a"]}, {}, "shape without its points"),
        ({"rle": [1, 2], "brushlabels": ["a"]}, {}, "shape that is painted or a point"),
        (box(rectanglelabels=[]), {}, "object without a class"),
    ],
)
def test_what_is_wrong_with_a_shape_is_named(tmp_path, value, changes, problem):
    good, bad = result(box(), "good"), result(value, "bad", **changes)
    folder = studio(tmp_path, task("a.png", annotations=[annotation(good, bad)]))
    (found,) = load_label_studio(folder).problems
    assert found.kind.startswith(problem)
    assert (found.where, found.action) == ("project.json, task 5, result 2", "dropped")


def test_a_file_alone_is_read_with_a_folder_of_pictures(tmp_path):
    folder = studio(tmp_path / "photos", task("a.png", annotations=[annotation(result(box()))]))
    file = (folder / "project.json").rename(tmp_path / "project.json")
    records = load_records(file, folder)
    assert records.records[0].image_id == "a.png"
