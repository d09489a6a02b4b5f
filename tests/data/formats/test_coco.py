"""Reading and writing COCO annotation files."""

import copy
import dataclasses
import json
import math
import os
import pathlib

import numpy as np
import pycocotools.mask
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from keras_effspine.data.formats.coco import load_coco
from keras_effspine.data.formats.coco_saving import save_coco
from keras_effspine.data.record import Record, RecordSet
from keras_effspine.errors import DataError

POLYGONS = [[1.0, 1.0, 9.0, 1.0, 9.0, 9.5]]
COMPRESSED = {"size": [40, 60], "counts": "T3d0XW2"}
UNCOMPRESSED = {"size": [40, 60], "counts": [100, 20, 2280]}

CONTENT = {
    "images": [
        {"id": 7, "file_name": "b.jpg", "width": 60, "height": 40},
        {"id": 3, "file_name": "sub/a.jpg", "width": 60, "height": 40},
        {"id": 5, "file_name": "empty.jpg", "width": 30, "height": 30},
    ],
    "annotations": [
        {"id": 11, "image_id": 3, "category_id": 90, "bbox": [1, 1, 8, 8.5], "area": 34.25},
        {"id": 12, "image_id": 7, "category_id": 4, "bbox": [0.1, 2, 10, 5], "iscrowd": 1},
        {"id": 13, "image_id": 3, "category_id": 4, "bbox": [2, 3, 10, 5], "area": None},
    ],
    "categories": [{"id": 90, "name": "toothbrush"}, {"id": 4, "name": "motorcycle"}],
}
GOOD = CONTENT["annotations"][0]


def write(folder, content):
    path = folder / "train.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def load_with(folder, **changes):
    """Loads the good content with some keys of its first annotation changed."""
    content = copy.deepcopy(CONTENT)
    content["annotations"][0].update(changes)
    return load_coco(write(folder, content), folder)


def objects_by_id(record_set):
    return {id: record for record in record_set.records for id in record.annotation_ids}


def assert_same(left, right):
    assert left.class_names == right.class_names
    assert left.category_ids == right.category_ids
    assert len(left.records) == len(right.records)
    for one, other in zip(left.records, right.records, strict=True):
        for field in dataclasses.fields(Record):
            a, b = getattr(one, field.name), getattr(other, field.name)
            if isinstance(a, np.ndarray):
                assert a.dtype == b.dtype
                assert a.shape == b.shape
                np.testing.assert_array_equal(a, b)
            else:
                assert a == b, field.name


def test_a_good_file_becomes_records_in_the_order_of_its_images(tmp_path):
    result = load_coco(write(tmp_path, CONTENT), tmp_path / "images")
    assert result.problems == ()
    assert [record.image_id for record in result.records] == [7, 3, 5]
    record = result.records[1]
    assert record.path == tmp_path / "images" / "sub" / "a.jpg"
    assert (record.width, record.height) == (60, 40)
    assert record.boxes.dtype == "float64"
    assert record.boxes.tolist() == [[1, 1, 8, 8.5], [2, 3, 10, 5]]
    assert record.annotation_ids == (11, 13)


def test_classes_are_the_categories_of_the_file_sorted_by_id(tmp_path):
    result = load_coco(write(tmp_path, CONTENT), tmp_path)
    assert result.class_names == ("motorcycle", "toothbrush")
    assert result.category_ids == (4, 90)
    assert result.records[1].classes.tolist() == [1, 0]
    assert result.records[1].classes.dtype == "int64"


def test_an_image_without_objects_stays(tmp_path):
    record = load_coco(write(tmp_path, CONTENT), tmp_path).records[2]
    assert record.boxes.shape == (0, 4)
    assert record.classes.shape == record.areas.shape == record.is_crowd.shape == (0,)
    assert record.annotation_ids == record.masks == ()


@pytest.mark.parametrize(
    ("area", "expected"),
    [(34.25, 34.25), (0, 0), (None, 68), ("34", 68), (True, 68), (math.nan, 68), (-1, 68)],
)
def test_the_area_is_the_one_of_the_file_or_else_that_of_the_box(tmp_path, area, expected):
    assert load_with(tmp_path, area=area).records[1].areas[0] == expected


@pytest.mark.parametrize("segmentation", [POLYGONS, COMPRESSED, UNCOMPRESSED])
def test_masks_and_crowds_are_kept_as_they_are(tmp_path, segmentation):
    record = load_with(tmp_path, segmentation=segmentation, iscrowd=1).records[1]
    assert record.masks == (segmentation, None)
    assert record.is_crowd.tolist() == [True, False]
    assert record.is_crowd.dtype == "bool"


@pytest.mark.parametrize("segmentation", [None, [], {}, "no mask"])
def test_an_annotation_without_a_mask_has_none(tmp_path, segmentation):
    assert load_with(tmp_path, segmentation=segmentation).records[1].masks[0] is None


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"image_id": 99}, "unknown image"),
        ({"image_id": "three"}, "unknown image"),
        ({"image_id": 3.5}, "unknown image"),
        ({"image_id": [3]}, "unknown image"),
        ({"image_id": None}, "unknown image"),
        ({"category_id": 1}, "unknown category"),
        ({"category_id": {}}, "unknown category"),
        ({"iscrowd": "no"}, "iscrowd is neither 0 nor 1"),
        ({"bbox": None}, "box missing"),
        ({"bbox": [1, 2, 3]}, "box is not four numbers"),
        ({"bbox": [1, 2, 3, 4, 5]}, "box is not four numbers"),
        ({"bbox": "1234"}, "box is not four numbers"),
        ({"bbox": [1, 2, "3", 4]}, "box is not four numbers"),
        ({"bbox": [1, 2, True, 4]}, "box is not four numbers"),
        ({"bbox": [1, 2, None, 4]}, "box is not four numbers"),
        ({"bbox": [1, 2, math.nan, 4]}, "box is not finite"),
        ({"bbox": [1, 2, math.inf, 4]}, "box is not finite"),
        ({"bbox": [1, 2, 10**400, 4]}, "box is not finite"),
        ({"bbox": [1, 2, 0, 4]}, "box without area"),
        ({"bbox": [1, 2, 3, -4]}, "box without area"),
        ({"bbox": [1, 2, 1e-320, 4]}, "box without area"),
        ({"bbox": [-5, 2, 5 + 1e-9, 4]}, "box outside of its image"),
        ({"bbox": [60, 2, 3, 4]}, "box outside of its image"),
        ({"bbox": [1, 41, 3, 4]}, "box outside of its image"),
        ({"bbox": [-5, 2, 5, 4]}, "box outside of its image"),
        ({"bbox": [1, -5, 3, 4]}, "box outside of its image"),
    ],
)
def test_a_broken_annotation_is_dropped_and_named(tmp_path, changes, kind):
    result = load_with(tmp_path, **changes)
    (problem,) = result.problems
    assert problem.kind == kind
    assert problem.where == "train.json, annotation 11"
    assert problem.action == "dropped"
    assert set(objects_by_id(result)) == {12, 13}
    assert len(result.records) == 3


@pytest.mark.parametrize("broken", ["text", None, 5, [GOOD]])
def test_what_is_no_annotation_is_named_by_its_place(tmp_path, broken):
    content = {**CONTENT, "annotations": [GOOD, broken]}
    (problem,) = load_coco(write(tmp_path, content), tmp_path).problems
    assert problem.where == "train.json, annotation number 2 of the list"
    assert problem.action == "dropped"


@pytest.mark.parametrize("id", [11, 11.0, None, 1.5, True, [11], math.nan, 10**400])
def test_an_annotation_without_an_id_of_its_own_gets_one(tmp_path, id):
    content = {**CONTENT, "annotations": [GOOD, {**GOOD, "id": id, "bbox": [2, 2, 2, 2]}]}
    result = load_coco(write(tmp_path, content), tmp_path)
    assert result.records[1].boxes.tolist() == [[1, 1, 8, 8.5], [2, 2, 2, 2]]
    assert result.records[1].annotation_ids == (11, 12)
    (problem,) = result.problems
    repeated = id == 11
    assert problem.kind == ("repeated id" if repeated else "annotation without id")
    assert problem.action == "renumbered"
    named = "annotation 11, image 3" if repeated else "annotation number 2 of the list"
    assert problem.where == f"train.json, {named}"


@pytest.mark.parametrize("ids", [(7, 3), ("7", "3"), (7.0, 3.0)])
@pytest.mark.parametrize("kind", [int, str, float])
def test_ids_that_differ_in_type_alone_are_the_same(tmp_path, ids, kind):
    content = copy.deepcopy(CONTENT)
    for image, new in zip(content["images"], ids, strict=False):
        image["id"] = new
    content["images"][2]["id"] = type(ids[0])(5)
    for annotation in content["annotations"]:
        annotation["image_id"] = kind(annotation["image_id"])
        annotation["category_id"] = kind(annotation["category_id"])
    for category in content["categories"]:
        category["id"] = type(ids[0])(category["id"])
    result = load_coco(write(tmp_path, content), tmp_path)
    assert result.problems == ()
    assert result.category_ids == (4, 90)
    assert [record.annotation_ids for record in result.records] == [(12,), (11, 13), ()]


def test_image_ids_of_which_some_are_text_are_text(tmp_path):
    content = copy.deepcopy(CONTENT)
    content["images"][2]["id"] = "empty"
    result = load_coco(write(tmp_path, content), tmp_path)
    assert [record.image_id for record in result.records] == ["7", "3", "empty"]
    assert [len(record.boxes) for record in result.records] == [1, 2, 0]


def test_names_with_the_slashes_of_windows_find_their_files(tmp_path):
    content = copy.deepcopy(CONTENT)
    content["images"][1]["file_name"] = "sub\\a.jpg"
    result = load_coco(write(tmp_path, content), tmp_path)
    assert result.records[1].path == tmp_path / "sub" / "a.jpg"


def test_a_name_with_a_backslash_of_its_own_finds_its_file(tmp_path):
    (tmp_path / "sub\\a.jpg").write_bytes(b"")
    content = copy.deepcopy(CONTENT)
    content["images"][1]["file_name"] = "sub\\a.jpg"
    assert load_coco(write(tmp_path, content), tmp_path).records[1].path.name == "sub\\a.jpg"


@pytest.mark.parametrize("side", [None, "60", 0, -3, 40.5, math.nan, math.inf, 10**9, [60]])
def test_a_size_that_is_missing_or_cannot_be_is_read_from_the_picture(tmp_path, side):
    Image.new("RGB", (61, 41)).save(tmp_path / "b.jpg")
    content = copy.deepcopy(CONTENT)
    content["images"][0]["width"] = content["images"][2]["height"] = side
    result = load_coco(write(tmp_path, content), tmp_path)
    assert [(r.image_id, r.width, r.height) for r in result.records] == [(7, 61, 41), (3, 60, 40)]
    (problem,) = result.problems
    assert problem.kind == "image without width and height, and its file cannot be read"
    assert problem.where == f"{tmp_path / 'empty.jpg'}, image 5"
    assert problem.action == "skipped"


@pytest.mark.parametrize(
    ("segmentation", "kind"),
    [
        ([[1, 1, 9, 9]], "mask holds a polygon of fewer than three points, or half a point"),
        ([[1, 1, 9, 1, 9, 9, 1]], "mask holds a polygon of fewer than three points, or half"),
        ([1, 1, 9, 9], "mask holds a polygon of fewer than three points, or half a point"),
        ([[1, 1, 9, 1, 9, math.nan]], "mask holds a coordinate that is not finite"),
        ([[1, 1, 9, 1, 9, math.inf]], "mask holds a coordinate that is not finite"),
        ([[1, 1, 9, 1, 9, "9"]], "mask holds a coordinate that is no number"),
        ([[0, 0, 10**9, 0, 10**9, 10**9]], "mask reaches far out of its image"),
        (["polygon"], "mask holds a polygon that is no list"),
        ({"counts": "T3d0XW2"}, "mask has not the size of its image"),
        ({"size": [60, 40], "counts": "T3d0XW2"}, "mask has not the size of its image"),
        ({"size": [10**6, 10**6], "counts": [1, 2, 3]}, "mask has not the size of its image"),
        ({"size": [40, 60], "counts": [1, 2, 3]}, "mask has counts that do not fill its image"),
        ({"size": [40, 60], "counts": "Q1"}, "mask has counts that do not fill its image"),
        ({"size": [40, 60], "counts": "\u00e4"}, "mask has counts that"),
        ({"size": [40, 60], "counts": 2400}, "mask has counts that are no run lengths"),
    ],
)
def test_a_mask_that_does_not_fit_its_image_is_left_out_and_named(tmp_path, segmentation, kind):
    result = load_with(tmp_path, segmentation=segmentation)
    (problem,) = result.problems
    assert problem.kind.startswith(kind)
    assert problem.where == "train.json, annotation 11"
    assert problem.action == "kept without its mask"
    assert result.records[1].masks == (None, None)
    assert result.records[1].boxes.tolist()[0] == [1, 1, 8, 8.5]


def test_a_polygon_that_stands_alone_is_a_list_of_one(tmp_path):
    record = load_with(tmp_path, segmentation=POLYGONS[0]).records[1]
    assert record.masks[0] == POLYGONS


def test_a_box_that_reaches_out_by_more_than_a_pixel_is_clipped_and_named(tmp_path):
    result = load_with(tmp_path, bbox=[-2, 30, 100, 12], area=None)
    assert result.records[1].boxes[0].tolist() == [0, 30, 60, 10]
    assert result.records[1].areas[0] == 600
    (problem,) = result.problems
    assert (problem.kind, problem.action) == ("box reaches out of its image", "clipped")
    assert problem.where == "train.json, annotation 11"


@pytest.mark.parametrize("box", [[-1, -0.5, 61, 41], [0, 0, 61, 41], [59.5, 39, 1.5, 1]])
def test_a_box_that_reaches_out_by_up_to_a_pixel_is_left_as_it_is(tmp_path, box):
    result = load_with(tmp_path, bbox=box)
    assert result.records[1].boxes[0].tolist() == box
    assert result.problems == ()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere\.json.*check the path"):
        load_coco(tmp_path / "nowhere.json", tmp_path)


def test_a_folder_in_place_of_the_file_is_an_error(tmp_path):
    with pytest.raises(DataError, match="Cannot read"):
        load_coco(tmp_path, tmp_path)


def test_a_file_that_is_cut_short_is_reported_with_line_and_column(tmp_path):
    text = json.dumps(CONTENT, indent=1)
    with pytest.raises(DataError, match=r"train\.json.*line \d+, column \d+"):
        load_coco(write(tmp_path, text[: len(text) // 2]), tmp_path)


@pytest.mark.parametrize("data", [b"", b"\xff\xfe\x00", b"[" * 100_000, b"not json"])
def test_bytes_that_are_no_json_are_an_error(tmp_path, data):
    path = tmp_path / "train.json"
    path.write_bytes(data)
    with pytest.raises(DataError, match="is not valid JSON"):
        load_coco(path, tmp_path)


def test_a_byte_order_mark_does_no_harm(tmp_path):
    path = tmp_path / "train.json"
    path.write_text(json.dumps(CONTENT), encoding="utf-8-sig")
    assert len(load_coco(path, tmp_path).records) == 3


@pytest.mark.parametrize("content", [[], "text", 3, None])
def test_json_that_is_no_object_is_an_error(tmp_path, content):
    with pytest.raises(DataError, match="no JSON object"):
        load_coco(write(tmp_path, json.dumps(content)), tmp_path)


@pytest.mark.parametrize("key", ["images", "annotations", "categories"])
@pytest.mark.parametrize("value", [None, {}, "text", 5])
def test_a_part_that_is_missing_or_no_list_is_named(tmp_path, key, value):
    with pytest.raises(DataError, match=f"no list '{key}'"):
        load_coco(write(tmp_path, {**CONTENT, key: value}), tmp_path)


@pytest.mark.parametrize(
    ("categories", "message"),
    [
        ([], "has no categories"),
        ([{"id": 1, "name": "a"}, {"id": 1, "name": "b"}], "category id 1 occurs twice"),
        ([{"name": "a"}], "category number 1"),
        ([{"id": "one", "name": "a"}], "category number 1"),
        ([{"id": 1.5, "name": "a"}], "category number 1"),
        ([{"id": 1}], "category number 1"),
        (["a"], "category number 1"),
    ],
)
def test_categories_that_make_no_sense_end_the_reading(tmp_path, categories, message):
    with pytest.raises(DataError, match=message):
        load_coco(write(tmp_path, {**CONTENT, "categories": categories}), tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": None}, "image number 1"),
        ({"id": True}, "image number 1"),
        ({"id": 3}, "image id 3 occurs twice"),
        ({"file_name": "a" * 300}, "image 7: file_name .* too long"),
        ({"file_name": None}, "image 7: file_name is missing"),
        ({"file_name": ""}, "image 7: file_name is missing"),
        ({"file_name": "a\0b"}, "image 7: file_name is missing"),
        ({"file_name": "../b.jpg"}, "image 7: file_name '../b.jpg' leaves"),
        ({"file_name": "sub/../../b.jpg"}, "image 7: .* leaves"),
        ({"file_name": "..\\b.jpg"}, "image 7: .* leaves"),
        ({"file_name": "/etc/b.jpg"}, "image 7: .* leaves"),
        ({"file_name": "C:\\b.jpg"}, "image 7: .* leaves"),
    ],
)
def test_an_image_entry_that_makes_no_sense_ends_the_reading(tmp_path, changes, message):
    content = copy.deepcopy(CONTENT)
    content["images"][0].update(changes)
    with pytest.raises(DataError, match=message):
        load_coco(write(tmp_path, content), tmp_path)


def test_what_is_saved_loads_as_it_was(tmp_path):
    first = load_with(tmp_path, segmentation=COMPRESSED, iscrowd=1)
    save_coco(first, tmp_path / "again.json", image_folder=tmp_path)
    assert_same(first, load_coco(tmp_path / "again.json", tmp_path))


def test_a_saved_file_takes_masks_and_ids_as_pycocotools_and_numpy_make_them(tmp_path):
    first = load_with(tmp_path, segmentation=COMPRESSED).records[1]
    masks = ({**COMPRESSED, "counts": COMPRESSED["counts"].encode()}, [np.array(POLYGONS[0])])
    record = dataclasses.replace(first, image_id=np.int64(3), masks=masks)
    save_coco(RecordSet((record,), ("a", "b"), (1, 2), "source"), tmp_path / "again.json")
    again = load_coco(tmp_path / "again.json", first.path.parent).records[0]
    assert again.masks == (COMPRESSED, POLYGONS)
    assert (again.image_id, again.path) == (3, first.path)


def test_saving_refuses_a_picture_outside_of_the_image_folder(tmp_path):
    record_set = load_coco(write(tmp_path, CONTENT), tmp_path)
    with pytest.raises(DataError, match="Image 7 .* lies outside"):
        save_coco(record_set, tmp_path / "again.json", image_folder=tmp_path / "sub")
    assert not (tmp_path / "again.json").exists()


def test_a_failed_save_leaves_the_old_file_and_nothing_else(tmp_path):
    record_set = load_coco(write(tmp_path, CONTENT), tmp_path)
    record_set.records[0].boxes[0, 0] = math.nan
    before = (tmp_path / "train.json").read_bytes()
    with pytest.raises(DataError, match="is not finite"):
        save_coco(record_set, tmp_path / "train.json")
    assert (tmp_path / "train.json").read_bytes() == before
    assert os.listdir(tmp_path) == ["train.json"]


@st.composite
def record_sets(draw):
    category_ids = tuple(sorted(draw(st.sets(st.integers(0, 10**6), min_size=1, max_size=4))))
    ids = iter(draw(st.permutations(range(1, 40))))
    side = st.integers(2, 5000)
    share = st.floats(0.05, 0.95)
    records = []
    for index in range(draw(st.integers(0, 4))):
        width, height, count = draw(side), draw(side), draw(st.integers(0, 4))
        corners = [(draw(share) * width, draw(share) * height) for _ in range(count)]
        boxes = [(x, y, draw(share) * (width - x), draw(share) * (height - y)) for x, y in corners]
        size, runs = [height, width], [1, 1, width * height - 2]
        polygon = [0.0, 0.0, width / 2, 0.5, 0.25, float(height)]
        mask = st.sampled_from(
            [
                [polygon],
                {"size": size, "counts": runs},
                pycocotools.mask.frPyObjects({"size": size, "counts": runs}, height, width),
                None,
            ]
        )
        numbers = st.integers(0, len(category_ids) - 1)
        records.append(
            Record(
                image_id=draw(st.integers(0, 10**9)) * 10 + index,
                path=pathlib.Path("/pictures") / draw(st.sampled_from(["", "ü", "a b"])) / "x.png",
                width=width,
                height=height,
                boxes=np.array(boxes, dtype="float64").reshape(-1, 4),
                classes=np.array([draw(numbers) for _ in boxes], dtype="int64"),
                areas=np.array([draw(st.floats(0, 1e9)) for _ in boxes], dtype="float64"),
                is_crowd=np.array([draw(st.booleans()) for _ in boxes], dtype="bool"),
                annotation_ids=tuple(next(ids) for _ in boxes),
                masks=tuple(draw(mask) for _ in boxes),
            )
        )
    names = tuple(draw(st.text(max_size=5)) for _ in category_ids)
    return RecordSet(tuple(records), names, category_ids, "made up")


@given(record_set=record_sets())
def test_any_record_set_survives_saving_and_loading(tmp_path_factory, record_set):
    path = tmp_path_factory.mktemp("saved") / "any.json"
    save_coco(record_set, path, image_folder="/pictures")
    again = load_coco(path, "/pictures")
    assert again.problems == ()
    for record in record_set.records:
        for mask in record.masks:
            if isinstance(mask, dict) and isinstance(mask["counts"], bytes):
                mask["counts"] = mask["counts"].decode()
    assert_same(record_set, again)


@pytest.mark.real_data
def test_a_hundred_pictures_of_coco_load_with_their_classes_and_crowds(real_data):
    folder = real_data / "coco100"
    result = load_coco(folder / "instances.json", folder / "images")
    assert len(result.records) == 100
    assert len(result.class_names) == 80
    assert (result.class_names[0], result.category_ids[-1]) == ("person", 90)
    assert sum(len(record.boxes) for record in result.records) == 746
    assert sum(int(record.is_crowd.sum()) for record in result.records) == 6
    assert result.problems == ()


@pytest.mark.real_data
def test_the_two_boxes_without_area_in_the_blood_cells_are_dropped(real_data):
    problems = []
    for split in ("train", "val", "test"):
        path = real_data / "bccd" / f"{split}.json"
        problems += load_coco(path, real_data / "bccd" / "JPEGImages").problems
    assert [(p.kind, p.action) for p in problems] == [("box without area", "dropped")] * 2
