"""CVAT's own XML: every shape that people draw there, and what is wrong with some."""

import numpy as np
import pytest
from PIL import Image

from keras_effspine.data.formats.cvat import load_cvat
from keras_effspine.data.loading import load_records
from keras_effspine.data.run_lengths import decoded
from keras_effspine.errors import DataError


def cvat(folder, *shapes, image='name="a.png" width="40" height="30"', labels=("dog", "cat")):
    Image.new("RGB", (40, 30)).save(folder / "a.png")
    names = "".join(f"<label><name>{name}</name></label>" for name in labels)
    (folder / "annotations.xml").write_text(
        f"<annotations><meta><project><labels>{names}</labels></project></meta>"
        f"<image id='0' {image}>{''.join(shapes)}</image></annotations>"
    )
    return folder


def test_shapes_become_boxes_and_masks_and_labels_keep_their_order(tmp_path):
    records = load_cvat(
        cvat(
            tmp_path,
            '<box label="cat" occluded="1" xtl="2" ytl="4" xbr="12.5" ybr="14"></box>',
            '<polygon label="dog" points="2,2;12,2;12,12;2,12"></polygon>',
            '<ellipse label="cat" cx="20" cy="15" rx="5" ry="3"></ellipse>',
            '<mask label="cat" rle="1, 3, 2, 2, 1" left="4" top="5" width="3" height="3"></mask>',
            '<tag label="dog"></tag>',
        )
    )
    assert records.class_names == ("dog", "cat")
    (record,) = records.records
    assert record.classes.tolist() == [1, 0, 1, 1]
    np.testing.assert_allclose(
        record.boxes, [[2, 4, 10.5, 10], [2, 2, 10, 10], [15, 12, 10, 6], [4, 5, 3, 3]], atol=0.02
    )
    assert record.attributes[0] == {"occluded": True}
    assert record.masks[1] == [[2, 2, 12, 2, 12, 12, 2, 12]]
    painted = np.zeros((30, 40), bool)
    painted[5:8, 4:7] = [[0, 1, 1], [1, 0, 0], [1, 1, 0]]
    np.testing.assert_array_equal(decoded(record.masks[3]), painted)
    assert record.areas[3] == 5


def test_a_turned_rectangle_becomes_the_box_around_it(tmp_path):
    box = '<box label="cat" xtl="10" ytl="5" xbr="30" ybr="15" rotation="90.0"></box>'
    (record,) = load_cvat(cvat(tmp_path, box)).records
    np.testing.assert_allclose(record.boxes, [[15, 0, 10, 20]], atol=1e-9)


def test_attributes_are_truths_numbers_and_words(tmp_path):
    said = "".join(
        f'<attribute name="{name}">{text}</attribute>'
        for name, text in (("score", "0.75"), ("parked", "true"), ("colour", "deep red"))
    )
    box = f'<box label="cat" xtl="1" ytl="1" xbr="9" ybr="9">{said}</box>'
    (record,) = load_cvat(cvat(tmp_path, box)).records
    assert record.attributes == ({"score": 0.75, "parked": True, "colour": "deep red"},)


@pytest.mark.parametrize(
    ("shape", "problem"),
    [
        ('<box label="cat" xtl="2" ytl="4" xbr="wide" ybr="14"/>', "shape without its numbers"),
        ('<polygon label="cat" points="2,2;12,2"/>', "shape without its points"),
        ('<polygon label="cat" points="2,2;12;12,12"/>', "shape without its points"),
        ('<polyline label="cat" points="2,2;12,2;3,3"/>', "shape that covers nothing"),
        ('<box xtl="2" ytl="4" xbr="8" ybr="14"/>', "object without a class"),
        (
            '<mask label="cat" rle="1, 8" left="38" top="5" width="3" height="3"/>',
            "mask that does not fit its picture",
        ),
        (
            '<mask label="cat" rle="1, 3" left="3" top="5" width="3" height="3"/>',
            "mask that does not fit its picture",
        ),
        (
            '<mask label="cat" rle="9" left="3" top="5" width="3" height="3"/>',
            "mask that covers nothing",
        ),
    ],
)
def test_what_is_wrong_with_a_shape_is_named(tmp_path, shape, problem):
    records = load_cvat(cvat(tmp_path, shape))
    (found,) = records.problems
    assert found.kind.startswith(problem)
    assert found.where == "annotations.xml, a.png, shape 1"
    assert found.action == "dropped"


def test_a_picture_that_is_missing_or_has_no_name_is_named(tmp_path):
    (problem,) = load_cvat(
        cvat(tmp_path / "x" if (tmp_path / "x").mkdir() else tmp_path / "x", image='name="b.png"')
    ).problems[:1]
    assert (problem.kind, problem.action) == ("image file missing", "skipped")
    kinds = {one.kind for one in load_cvat(cvat(tmp_path / "x", image='width="4"')).problems}
    assert "picture without a file name" in kinds


def test_a_file_alone_is_read_with_a_folder_of_pictures(tmp_path):
    box = '<box label="cat" xtl="2" ytl="4" xbr="12" ybr="14"/>'
    (tmp_path / "photos").mkdir()
    cvat(tmp_path / "photos", box)
    file = (tmp_path / "photos/annotations.xml").rename(tmp_path / "task.xml")
    (record,) = load_records(file, tmp_path / "photos").records
    assert (record.image_id, record.boxes.tolist()) == ("a.png", [[2, 4, 10, 10]])
    with pytest.raises(DataError, match="name the folder of its pictures as well"):
        load_records(file)
    with pytest.raises(DataError, match="there is no such image folder"):
        load_records(file, tmp_path / "nowhere")


def test_folders_before_a_name_tell_pictures_apart(tmp_path):
    for folder, width in (("a", 40), ("b", 50)):
        (tmp_path / "images" / folder).mkdir(parents=True)
        Image.new("RGB", (width, 30)).save(tmp_path / f"images/{folder}/1.png")
    box = "<box label='cat' xtl='2' ytl='4' xbr='12' ybr='14'/>"
    images = "".join(f"<image name='{one}/1.png'>{box}</image>" for one in ("b", "a"))
    (tmp_path / "annotations.xml").write_text(f"<annotations>{images}</annotations>")
    records = load_cvat(tmp_path).records
    assert [record.image_id for record in records] == ["images/b/1.png", "images/a/1.png"]
    assert [record.width for record in records] == [50, 40]
