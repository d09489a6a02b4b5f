"""A data set looked through before training."""

import dataclasses
import shutil

import numpy as np
import pytest
from PIL import Image
from small_classes import class_folders
from small_data import small_record_set

from keras_effspine.data.loading import load_records
from keras_effspine.data.record import Problem
from keras_effspine.inspection.image_check import check_images
from keras_effspine.inspection.issues import ERROR, WARNING
from keras_effspine.inspection.record_inspection import ANCHOR_SIZES, inspect, level_rule, overlap


@pytest.fixture
def small(tmp_path):
    return small_record_set(tmp_path / "small")


def look(record_set, image_size=384):
    return inspect(record_set, check_images(record_set.records), image_size)


def found(inspection):
    return {(one.level, one.kind): one.count for one in inspection.issues}


def with_first(record_set, **changes):
    first = dataclasses.replace(record_set.records[0], **changes)
    return dataclasses.replace(record_set, records=(first, *record_set.records[1:]))


def test_pictures_objects_and_classes_are_counted(small):
    result = look(small)
    assert (result.images, result.objects, result.crowds) == (4, 3, 2)
    assert result.per_class == [("cat", 3, 3), ("dog ü", 0, 0), ("mug", 0, 0)]
    assert result.per_image["pictures without objects"] == 1
    assert result.per_image["mean"] == 0.75
    assert found(result) == {(WARNING, "class without objects"): 2}
    assert not result.has_errors


@pytest.mark.parametrize(
    ("side", "level"),
    [
        *((16.9, "under P3"), (17.1, "P3"), (24, "P3"), (42.7, "P3"), (42.9, "P4")),
        *((85.4, "P4"), (85.6, "P5"), (171.1, "P6"), (342.2, "P7"), (384, "P7")),
    ],
)
def test_objects_are_counted_at_the_level_of_the_nearest_anchor(small, side, level):
    scale = 40 / 384
    box = np.array([[0, 0, side * scale, side * scale]])
    per_level = look(with_first(small, boxes=box)).per_level
    other = look(
        with_first(
            small, boxes=np.zeros((0, 4)), classes=np.zeros(0, int), is_crowd=np.zeros(0, bool)
        )
    ).per_level
    assert [name for name in per_level if per_level[name] != other[name]] == [level]


def test_the_sizes_are_those_of_the_anchors_of_the_model():
    from keras_effspine.models.retinanet import RetinaNet

    generator = RetinaNet.default_anchor_generator("xyxy")
    sizes = [
        np.median(np.prod(np.array(anchors)[:, 2:] - np.array(anchors)[:, :2], axis=1) ** 0.5)
        for anchors in generator(image_shape=(384, 384, 3)).values()
    ]
    # The middle one of three scales is a third of an octave above the first.
    np.testing.assert_allclose(sizes, np.array(ANCHOR_SIZES) * 2 ** (1 / 3), rtol=1e-3)
    assert "384" in level_rule(384)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_jpeg_that_breaks_off_is_an_error_wherever_it_ends(small, tmp_path, share):
    path = tmp_path / "cut.jpg"
    with Image.open(small.records[0].path) as image:
        image.resize((400, 300)).save(path, quality=95)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    result = look(with_first(small, path=path, width=400, height=300))
    assert found(result)[ERROR, "image cannot be decoded"] == 1
    assert result.contents[0] is None
    assert result.has_errors
    (issue,) = (one for one in result.issues if one.level == ERROR)
    assert "cut.jpg, image 100" in issue.examples[0]


def test_a_picture_that_is_missing_or_of_another_size_is_an_error(small, tmp_path):
    assert (ERROR, "image file missing") in found(look(with_first(small, path=tmp_path / "no")))
    result = look(with_first(small, width=41))
    assert (ERROR, "image size differs from its annotation") in found(result)


def test_what_the_loader_dropped_is_an_error_and_what_it_clipped_a_warning(small):
    problems = (
        Problem("box without area", "a.json, annotation 1", "dropped"),
        Problem("box reaches out of its image", "a.json, annotation 2", "clipped"),
        Problem("annotation file empty", "a.xml", "skipped"),
    )
    result = found(look(dataclasses.replace(small, problems=problems)))
    assert result[ERROR, "box without area (dropped)"] == 1
    assert result[WARNING, "box reaches out of its image (clipped)"] == 1
    assert result[ERROR, "annotation file empty (skipped)"] == 1


def test_equal_pictures_are_found_whatever_their_file(small, tmp_path):
    with Image.open(small.records[1].path) as image:
        image.save(tmp_path / "again.bmp")
    result = look(with_first(small, path=tmp_path / "again.bmp"))
    assert found(result)[WARNING, "picture of the same content as another"] == 1
    assert not result.has_errors


def test_equal_boxes_of_one_class_are_found_and_of_two_classes_are_not(small):
    boxes, flags = np.array([[1, 2, 3, 4.0]] * 3), np.zeros(3, bool)
    result = look(with_first(small, boxes=boxes, classes=np.array([0, 1, 0]), is_crowd=flags))
    assert found(result)[WARNING, "two equal boxes of one class in a picture"] == 1


def test_validation_pictures_that_are_trained_on_are_errors(small, tmp_path):
    other = small_record_set(tmp_path / "other", 2)
    Image.new("RGB", (40, 30), "red").save(other.records[0].path)
    shutil.copy(small.records[3].path, other.records[1].path)
    (issue,) = overlap(look(small), look(other), other)
    assert (issue.level, issue.count) == (ERROR, 1)
    assert "image 101" in issue.examples[0]
    Image.new("RGB", (40, 30), "blue").save(other.records[1].path)
    assert overlap(look(small), look(other), other) == []


def test_a_data_set_without_any_object_is_an_error(small):
    records = tuple(r for r in small.records if not len(r.boxes))
    result = look(dataclasses.replace(small, records=records))
    assert (ERROR, "no object to learn from") in found(result)


def test_classes_of_whole_pictures_are_counted_and_checked(tmp_path):
    class_folders(tmp_path, {None: 4})
    shutil.copy(tmp_path / "red" / "0.jpg", tmp_path / "red" / "9.jpg")
    shutil.copy(tmp_path / "red" / "1.jpg", tmp_path / "blue" / "9.jpg")
    whole = (tmp_path / "red" / "2.jpg").read_bytes()
    (tmp_path / "red" / "2.jpg").write_bytes(whole[: len(whole) // 2])
    result = look(load_records(tmp_path))
    assert result.is_labelled
    assert result.per_class == [("blue", 0, 5), ("red", 0, 5)]
    assert found(result) == {
        (ERROR, "image cannot be decoded"): 1,
        (ERROR, "picture of the same content in another class"): 1,
        (WARNING, "picture of the same content as another"): 1,
    }
