"""What people draw in Labelme and VIA, as boxes and masks."""

import json
import math

import pytest
from PIL import Image

from keras_effspine.data.formats.labelme import load_labelme
from keras_effspine.data.formats.via import load_via
from keras_effspine.errors import DataError


def pictures(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 30)).save(folder / name)


def labelme(folder, *shapes, name="a", **content):
    shapes = [{"label": "cat", **shape} for shape in shapes]
    content = {"imagePath": f"{name}.png", "shapes": shapes, **content}
    (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


def via(folder, *regions, **entries):
    content = {"a": {"filename": "a.png", "regions": list(regions)}, **entries}
    (folder / "via.json").write_text(json.dumps(content))
    return folder


def region(name, attributes=None, **shape):
    return {
        "shape_attributes": {"name": name, **shape},
        "region_attributes": {"class": "cat"} if attributes is None else attributes,
    }


def test_labelmes_shapes_become_boxes_and_masks(tmp_path):
    pictures(tmp_path, "a.png")
    square = [[2, 2], [12, 2], [12, 12], [2, 12]]
    record = load_labelme(
        labelme(
            tmp_path,
            {"points": [[12, 14], [2, 4]], "shape_type": "rectangle"},
            {"points": square},
            {"points": [[20, 15], [25, 15]], "shape_type": "circle"},
            {"points": [[1, 1], [9, 9]], "shape_type": "mask", "mask": "iVBORw0KGgo="},
        )
    ).records[0]
    assert record.boxes.round(6).tolist() == [
        *([2, 4, 10, 10], [2, 2, 10, 10], [15, 10, 10, 10], [1, 1, 8, 8]),
    ]
    assert record.masks[1] == [[2, 2, 12, 2, 12, 12, 2, 12]]
    assert (record.masks[0], record.masks[3]) == (None, None)
    assert record.areas.tolist() == pytest.approx([100, 100, math.pi * 25, 64], rel=0.01)


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        ({"points": [[1, 1], [9, 9]], "shape_type": "line"}, "shape that covers nothing ('line')"),
        ({"points": [[1, 1]], "shape_type": "point"}, "shape that covers nothing ('point')"),
        ({"points": [[1, 1], [9, 9]], "shape_type": "polygon"}, "shape without its points"),
        ({"points": [[1, 1], [9]], "shape_type": "rectangle"}, "shape without its points"),
        ({"points": [[1, 1], [1e400, 2]], "shape_type": "rectangle"}, "shape without its points"),
        ({"points": "x", "shape_type": "circle"}, "shape without its points"),
        ({"points": [[1, 1], [9, 9]], "shape_type": 5}, "shape that covers nothing (5)"),
        ({"points": [[1, 1], [1, 9]], "shape_type": "rectangle"}, "box without area"),
        (
            {"label": None, "points": [[1, 1], [9, 9]], "shape_type": "mask"},
            "object without a class",
        ),
    ],
)
def test_a_shape_that_is_no_object_is_dropped_and_named(tmp_path, shape, kind):
    pictures(tmp_path, "a.png")
    good = {"points": [[2, 4], [12, 14]], "shape_type": "rectangle"}
    result = load_labelme(labelme(tmp_path, good, shape))
    (problem,) = result.problems
    assert (problem.kind, problem.where, problem.action) == (kind, "a.json, shape 2", "dropped")
    assert len(result.records[0].boxes) == 1


def test_the_picture_is_found_by_its_name_or_that_of_the_file_beside_it_first(tmp_path):
    pictures(tmp_path, "one/a.png", "two/a.png", "two/b.webp")
    shape = {"points": [[2, 4], [12, 14]], "shape_type": "rectangle"}
    labelme(tmp_path / "two", shape, imagePath="C:\\somewhere\\a.png")
    labelme(tmp_path / "two", shape, name="b", imagePath="photo 17.jpg")
    labelme(tmp_path / "one", shape, name="x", imagePath=None)
    result = load_labelme(tmp_path)
    assert [record.image_id for record in result.records] == ["two/a.png", "two/b.webp"]
    kinds = sorted((problem.kind, problem.action) for problem in result.problems)
    assert kinds == [
        ("image file missing", "skipped"),
        ("picture without an annotation", "left out"),
    ]


def test_files_that_are_broken_or_another_tools_are_named(tmp_path):
    pictures(tmp_path, "a.png", "b.png")
    labelme(tmp_path, {"points": [[2, 4], [12, 14]], "shape_type": "rectangle"})
    (tmp_path / "b.json").write_text('{"shapes": [')
    (tmp_path / "settings.json").write_text("{}")
    result = load_labelme(tmp_path)
    assert sorted((problem.kind, problem.action) for problem in result.problems) == [
        ("JSON file that is not Labelme's", "left out"),
        ("annotation file is no valid JSON", "skipped"),
        ("picture without an annotation", "left out"),
    ]
    (tmp_path / "a.json").unlink()
    with pytest.raises(DataError, match="no shape names a class: annotation file is no valid JSON"):
        load_labelme(tmp_path)


def test_vias_regions_become_boxes_and_masks(tmp_path):
    pictures(tmp_path, "a.png")
    record = load_via(
        via(
            tmp_path,
            region("rect", x=2, y=4, width=10, height=10),
            region("polygon", all_points_x=[2, 12, 12], all_points_y=[2, 2, 12]),
            region("circle", cx=20, cy=15, r=5),
            region("ellipse", cx=20, cy=15, rx=6, ry=3, theta=math.pi / 2),
        )
    ).records[0]
    assert record.boxes.round(6).tolist() == [
        *([2, 4, 10, 10], [2, 2, 10, 10], [15, 10, 10, 10], [17, 9, 6, 12]),
    ]
    assert record.areas.tolist() == pytest.approx([100, 50, math.pi * 25, math.pi * 18], rel=0.01)
    assert record.masks[1] == [[2, 2, 12, 2, 12, 12]]


def test_the_regions_of_version_1_are_a_dictionary(tmp_path):
    pictures(tmp_path, "a.png")
    regions = {"0": region("rect", x=2, y=4, width=10, height=10)}
    via(tmp_path, a={"filename": "a.png", "regions": regions})
    assert load_via(tmp_path).records[0].boxes.tolist() == [[2, 4, 10, 10]]


@pytest.mark.parametrize(
    ("attributes", "classes"),
    [
        ({"Name": "dog"}, ("dog",)),
        ({"colour": "red", "class": "dog"}, ("dog",)),
        ({"kind": "dog"}, ("dog",)),
        ({"type": {"dog": True, "cat": False}}, ("dog",)),
        ({}, ("object",)),
    ],
)
def test_the_class_is_the_attribute_that_is_called_so_or_the_only_one(
    tmp_path, attributes, classes
):
    pictures(tmp_path, "a.png")
    via(tmp_path, region("rect", attributes, x=2, y=4, width=10, height=10))
    assert load_via(tmp_path).class_names == classes


@pytest.mark.parametrize(
    ("broken", "kind"),
    [
        (region("polyline", all_points_x=[1], all_points_y=[1]), "covers nothing ('polyline')"),
        (region("rect", x=2, y=4, width=None, height=10), "shape without its numbers"),
        (region("circle", cx=1, cy=1), "shape without its numbers"),
        (region("polygon", all_points_x=[1, 2, 3], all_points_y=[1, 2]), "without its points"),
        (
            region("rect", {"class": {"a": 1, "b": 1}}, x=2, y=4, width=9, height=9),
            "without a class",
        ),
        (region("rect", {"class": " "}, x=2, y=4, width=9, height=9), "without a class"),
        ("no region", "without a class"),
    ],
)
def test_a_region_that_is_no_object_is_dropped_and_named(tmp_path, broken, kind):
    pictures(tmp_path, "a.png")
    result = load_via(via(tmp_path, region("rect", x=2, y=4, width=10, height=10), broken))
    (problem,) = result.problems
    assert kind in problem.kind
    assert problem.where == "via.json, a.png, region 2"
    assert len(result.records[0].boxes) == 1


def test_pictures_that_are_annotated_twice_or_missing_are_named(tmp_path):
    pictures(tmp_path, "a.png")
    one = {"regions": [region("rect", x=2, y=4, width=10, height=10)]}
    via(tmp_path, b={"filename": "a.png", **one}, c={"filename": "none.png", **one})
    result = load_via(tmp_path)
    assert len(result.records) == 1
    assert [problem.kind for problem in result.problems] == [
        *("picture annotated twice", "image file missing"),
    ]
