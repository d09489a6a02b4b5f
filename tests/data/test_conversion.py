"""From any format into any other."""

import dataclasses
import json
import os
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from full_disk import full_disk
from PIL import Image
from small_classes import class_folders
from small_data import assert_same_everything, assert_same_objects, small_record_set

from keras_effspine.data.conversion import convert
from keras_effspine.data.images.image_bytes import open_image, read_image_bytes
from keras_effspine.data.loading import load_records
from keras_effspine.errors import DataError, EffSpineError


@pytest.fixture
def original(tmp_path):
    return small_record_set(tmp_path / "original")


def back(folder, target, split="train"):
    """Loads what was converted."""
    if target == "coco":
        return load_records(folder / f"{split}.json", folder / "images")
    return load_records(folder, split=split)


def assert_same_images(one, other):
    for a, b in zip(one.records, other.records, strict=True):
        assert read_image_bytes(a) == read_image_bytes(b)


def without_crowds(record_set):
    records = []
    for record in record_set.records:
        kept = ~record.is_crowd
        changes = {name: getattr(record, name)[kept] for name in ("boxes", "classes", "areas")}
        records.append(dataclasses.replace(record, is_crowd=kept[kept] & False, **changes))
    return dataclasses.replace(record_set, records=tuple(records))


@pytest.mark.parametrize("target", ["coco", "tfrecord"])
def test_coco_and_the_own_format_hold_everything(original, tmp_path, target):
    assert convert({"train": original}, target, tmp_path / "out") == []
    result = back(tmp_path / "out", target)
    assert_same_everything(original, result)
    assert_same_images(original, result)
    assert result.problems == ()


def test_voc_holds_boxes_classes_and_attributes_and_the_rest_is_counted(original, tmp_path):
    lost = convert({"train": original}, "voc", tmp_path / "out")
    result = back(tmp_path / "out", "voc")
    assert_same_objects(original, result)
    assert_same_images(original, result)
    assert result.records[0].attributes == ({"truncated": True, "pose": "Left"},)
    assert sorted(lost) == [
        "2 crowds as such (written as difficult objects)",
        "2 object areas (readers take that of the box)",
        "3 category ids (classes are told by name and order)",
        "4 image ids (file names tell the pictures)",
        "5 masks",
    ]


def test_yolo_holds_boxes_classes_and_polygons_and_the_rest_is_counted(original, tmp_path):
    lost = convert({"train": original}, "yolo", tmp_path / "out")
    result = back(tmp_path / "out", "yolo")
    assert_same_objects(without_crowds(original), result, 1e-6)
    assert_same_images(original, result)
    np.testing.assert_allclose(result.records[0].masks[0], original.records[0].masks[0])
    assert result.records[0].areas.tolist() == pytest.approx([100])
    assert sorted(lost) == [
        "2 crowds",
        "3 category ids (classes are told by name and order)",
        "3 objects' attributes",
        "4 image ids (file names tell the pictures)",
    ]


def test_a_picture_with_an_object_that_is_no_single_polygon_is_written_with_boxes(
    original, tmp_path
):
    first = original.records[0]
    two_parts = [*first.masks[0], [20.0, 20.0, 25.0, 20.0, 25.0, 25.0]]
    records = (dataclasses.replace(first, masks=(two_parts,)), *original.records[1:])
    original = dataclasses.replace(original, records=records)
    lost = convert({"train": original}, "yolo", tmp_path / "out")
    assert any(line.startswith("1 masks (not all") for line in lost)
    result = back(tmp_path / "out", "yolo")
    assert_same_objects(without_crowds(original), result, 1e-6)
    assert result.records[0].masks == (None,)


def test_cvat_holds_shapes_classes_crowds_and_attributes_and_the_rest_is_counted(
    original, tmp_path
):
    lost = convert({"train": original}, "cvat", tmp_path / "out")
    result = load_records(tmp_path / "out")
    assert result.problems == ()
    assert result.format == "CVAT's XML"
    assert_same_images(original, result)
    one, two = result.records[:2]
    assert one.boxes.tolist() == original.records[0].boxes.tolist()
    assert one.masks == original.records[0].masks
    assert one.attributes == ({"pose": "Left", "truncated": True},)
    assert two.is_crowd.tolist() == [False, True]
    assert two.masks[1]["counts"] == original.records[1].masks[1]["counts"]
    assert sorted(lost) == [
        "2 boxes that are not the bounds of their masks",
        "3 category ids (classes are told by name and order)",
        "4 image ids (file names tell the pictures)",
    ]


def test_label_studio_holds_shapes_and_classes_and_the_rest_is_counted(original, tmp_path):
    lost = convert({"train": original}, "label-studio", tmp_path / "out")
    result = load_records(tmp_path / "out")
    assert result.format == "Label Studio's JSON"
    kept = dataclasses.replace(
        original, class_names=("cat",), records=without_crowds(original).records
    )
    assert_same_objects(kept, result, 1e-9)  # it knows no list of classes: those of shapes
    assert_same_images(original, result)
    np.testing.assert_allclose(result.records[0].masks[0], original.records[0].masks[0])
    tasks = json.loads((tmp_path / "out/tasks.json").read_text())
    assert tasks[0]["data"]["image"] == "/data/local-files/?d=out/images/0%C3%BC.png"
    config = ElementTree.parse(tmp_path / "out/label_config.xml").getroot()
    said = [one.get("value") for one in config.find("RectangleLabels")]
    assert said == list(original.class_names)
    assert sorted(lost) == [
        "2 crowds",
        "3 category ids (classes are told by name and order)",
        "3 objects' attributes",
        "4 image ids (file names tell the pictures)",
    ]


@pytest.mark.parametrize("first", ["coco", "voc", "yolo", "tfrecord"])
@pytest.mark.parametrize("second", ["coco", "voc", "yolo", "tfrecord"])
def test_any_format_converts_into_any_other(original, tmp_path, first, second):
    convert({"train": original}, first, tmp_path / "one")
    convert({"train": back(tmp_path / "one", first)}, second, tmp_path / "two")
    result = back(tmp_path / "two", second)
    yolo = "yolo" in (first, second)
    assert_same_objects(without_crowds(original) if yolo else original, result, 1e-6)
    assert_same_images(original, result)


@pytest.mark.parametrize("target", ["voc", "yolo", "cvat", "label-studio", "tfrecord"])
def test_splits_become_splits(original, tmp_path, target):
    other = small_record_set(tmp_path / "other", 2)
    convert({"train": original, "val": other}, target, tmp_path / "out")
    assert len(back(tmp_path / "out", target).records) == 4
    assert len(back(tmp_path / "out", target, "val").records) == 2


def test_pictures_of_one_name_in_several_folders_are_kept_apart(tmp_path):
    one, other = small_record_set(tmp_path / "in/a"), small_record_set(tmp_path / "in/b", 2)
    for target in ("voc", "yolo", "coco", "cvat", "label-studio"):
        convert({"train": one, "val": other}, target, tmp_path / target)
        result = back(tmp_path / target, target, "val")
        assert_same_images(other, result)
    assert len(os.listdir(tmp_path / "voc/JPEGImages")) == 6


def test_names_that_differ_in_their_suffix_alone_are_kept_apart(original, tmp_path):
    first = original.records[0]
    with Image.open(first.path) as image:
        image.save(first.path.with_suffix(".bmp"))
    copy = dataclasses.replace(first, path=first.path.with_suffix(".bmp"), image_id=1)
    both = dataclasses.replace(original, records=(first, copy))
    for target in ("voc", "yolo"):
        convert({"train": both}, target, tmp_path / target)
        assert len(back(tmp_path / target, target).records) == 2


def test_validation_splits_of_other_names_are_found_in_yolo(original, tmp_path):
    convert({"train": original, "validation": original}, "yolo", tmp_path / "out")
    assert len(back(tmp_path / "out", "yolo", "val").records) == 4


@pytest.mark.parametrize("name", ["../a.png", "/tmp/a.png", "a/../../b.png", "..\\a.png"])
def test_a_name_in_a_shard_that_leaves_the_folder_is_refused(original, tmp_path, name):
    records = (dataclasses.replace(original.records[0], name=name), *original.records[1:])
    original = dataclasses.replace(original, records=records)
    for target in ("coco", "voc", "yolo", "tfrecord"):
        with pytest.raises(DataError, match="Image 100 of .* leaves the folder"):
            convert({"train": original}, target, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["original"]


def test_linked_pictures_are_the_same_file_and_copies_are_not(original, tmp_path):
    for link in (False, True):
        folder = tmp_path / f"out{link}"
        convert({"train": original}, "voc", folder, link=link)
        first = original.records[0].path
        assert os.path.samefile(folder / "JPEGImages" / first.name, first) is link


@pytest.mark.parametrize("kind", ["full folder", "file"])
def test_what_exists_is_not_touched(original, tmp_path, kind):
    out = tmp_path / "out"
    if kind == "file":
        out.write_text("mine")
    else:
        out.mkdir()
        (out / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match="exists and is not empty"):
        convert({"train": original}, "coco", out)
    assert (out if kind == "file" else out / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize("target", ["coco", "voc", "yolo", "tfrecord"])
def test_a_conversion_that_fails_leaves_nothing(original, tmp_path, target):
    original.records[2].path.unlink()
    with pytest.raises(DataError, match="Image 102: cannot be read"):
        convert({"train": original}, target, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["original"]


def test_splits_with_other_classes_are_refused(original, tmp_path):
    other = dataclasses.replace(original, class_names=("x", "y", "z"))
    with pytest.raises(DataError, match="'val' has other classes than 'train'"):
        convert({"train": original, "val": other}, "coco", tmp_path / "out")


@pytest.mark.parametrize("name", [b"\xe4.png", b"a\x01.png"])
def test_names_that_are_no_utf8_or_hold_control_characters(original, tmp_path, name):
    path = original.records[0].path
    path = path.rename(path.with_name(os.fsdecode(name)))
    records = (dataclasses.replace(original.records[0], path=path), *original.records[1:])
    original = dataclasses.replace(original, records=records)
    for target in ("coco", "yolo", "tfrecord"):
        convert({"train": original}, target, tmp_path / target)
        assert len(back(tmp_path / target, target).records) == 4
    with pytest.raises(DataError, match="Image 100: cannot be written as Pascal VOC"):
        convert({"train": original}, "voc", tmp_path / "voc")


@pytest.mark.real_data
@pytest.mark.parametrize("target", ["coco", "voc", "yolo", "tfrecord"])
def test_the_blood_cells_survive_every_format(real_data, tmp_path, target):
    sets = {split: load_records(real_data / "bccd", split=split) for split in ("train", "val")}
    lost = convert(sets, target, tmp_path / "out", link=True)
    assert lost == (["896 objects' attributes"] if target == "yolo" else [])
    for split, record_set in sets.items():
        assert_same_objects(record_set, back(tmp_path / "out", target, split), 1e-5)


@pytest.mark.real_data
@pytest.mark.parametrize("target", ["coco", "voc", "yolo", "tfrecord"])
def test_a_hundred_pictures_of_coco_survive_every_format(real_data, tmp_path, target):
    folder = real_data / "coco100"
    original = load_records(folder / "instances.json", folder / "images")
    lost = convert({"train": original}, target, tmp_path / "out")
    result = back(tmp_path / "out", target)
    assert_same_images(original, result)
    if target in ("coco", "tfrecord"):
        assert lost == []
        assert_same_everything(original, result)
    elif target == "voc":
        assert_same_objects(original, result)
        assert "746 masks" in lost
        assert "6 crowds as such (written as difficult objects)" in lost
    else:
        # The boxes of this set are rounded; where a polygon is written its bounds are read back.
        assert_same_objects(without_crowds(original), result, 1.001)
        assert "6 crowds" in lost
        written = sum(mask is not None for record in result.records for mask in record.masks)
        (masks,) = (line for line in lost if "masks" in line)
        assert written + int(masks.split()[0]) == 740
        with open_image(result.records[0]) as image:
            assert image.size == (result.records[0].width, result.records[0].height)


def test_classes_of_whole_pictures_are_kept_in_shards_and_refused_by_formats_of_objects(tmp_path):
    labelled = load_records(class_folders(tmp_path / "folders", {None: 2}))
    convert({"train": labelled}, "tfrecord", tmp_path / "tfrecord")
    again = load_records(tmp_path / "tfrecord")
    assert again.class_names == labelled.class_names
    assert [r.image_label for r in again.records] == [0, 0, 1, 1]
    assert_same_images(labelled, again)
    for target in ("coco", "voc", "yolo"):
        with pytest.raises(DataError, match=f"{target} holds objects .*; convert it to tfrecord"):
            convert({"train": labelled}, target, tmp_path / target)
        assert not (tmp_path / target).exists()


@pytest.mark.parametrize("target", ["tfrecord", "coco", "voc", "yolo"])
def test_a_full_disk_is_one_error_and_leaves_nothing(original, tmp_path, target):
    with pytest.raises(EffSpineError, match="cannot be written") as raised, full_disk(most=1000):
        convert({"train": original}, target, tmp_path / "out")
    assert len(str(raised.value).splitlines()) == 1
    assert os.listdir(tmp_path) == ["original"]
