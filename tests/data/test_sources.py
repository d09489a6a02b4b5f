"""From what the user names as data to records."""

import json

import numpy as np
import pytest
from PIL import Image

from keras_effspine.data.images.loose_images import load_images
from keras_effspine.data.loading import describe_records, load_records, read_validation_records
from keras_effspine.errors import DataError


def write_data(folder, **image):
    """A data set of one picture and one box; returns its file and its image folder."""
    images = folder / "my images ü"
    images.mkdir()
    Image.new("RGB", (40, 30)).save(images / "a.png")
    content = {
        "images": [{"id": 1, "file_name": "a.png", "width": 40, "height": 30, **image}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 9, 9]}],
        "categories": [{"id": 1, "name": "thing"}],
    }
    file = folder / "data.json"
    file.write_text(json.dumps(content))
    return file, images


def test_the_shapes_have_the_part_that_is_asked_for(small_shapes):
    assert len(load_records("shapes").records) == 8
    assert len(load_records("shapes", split="val").records) == 4


def test_the_shapes_refuse_an_image_folder_that_they_would_ignore(small_shapes):
    with pytest.raises(DataError, match="brings its own pictures"):
        load_records("shapes", "folder")


@pytest.mark.parametrize("name", ["data.json", "data.JSON"])
def test_an_annotation_file_is_read_with_its_folder_of_pictures(tmp_path, name):
    file, images = write_data(tmp_path)
    file = file.rename(tmp_path / name)
    (record,) = load_records(str(file), str(images)).records
    assert record.path == images / "a.png"
    assert load_records(file, images).class_names == ("thing",)


def test_an_empty_name_of_the_folder_of_pictures_names_none(tmp_path):
    file, _ = write_data(tmp_path)
    with pytest.raises(DataError, match="name the folder of its pictures as well"):
        load_records(file, "")


@pytest.mark.parametrize("data", ["photos", "data.csv", "Shapes", ""])
def test_data_that_are_nothing_known_are_refused_with_what_can_be_recognised(data):
    for word in ("'shapes'", "COCO JSON", "Pascal VOC", "YOLO", "TFRecords", "tfds:NAME"):
        with pytest.raises(DataError, match=f"{data}: there is no such file or folder.*{word}"):
            load_records(data)


def test_a_folder_that_is_nothing_known_is_refused_with_what_can_be_recognised(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(DataError, match="not recognised; data must be 'shapes'"):
        load_records(tmp_path)


def test_an_annotation_file_has_no_parts(tmp_path):
    file, images = write_data(tmp_path)
    with pytest.raises(DataError, match="has no parts; leave the split 'train' out"):
        load_records(file, images, "train")


def test_what_was_recognised_is_said_in_one_line(small_shapes):
    line = describe_records(load_records("shapes"))
    assert line.endswith("train.json: embedded data set, 8 pictures of 6 classes, split train")


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ({}, 4),
        ({"split": "train"}, 4),
        ({"split": "val"}, None),
        ({"split": "val", "val_split": "train"}, 8),
        ({"val_data": "shapes", "split": "val"}, 4),
        ({"val_split": "train"}, 8),
    ],
)
def test_validation_data_are_those_named_or_the_part_that_is_meant_for_it(
    small_shapes, named, expected
):
    names = ("split", "val_data", "val_images", "val_split")
    found = read_validation_records("shapes", None, *(named.get(name) for name in names))
    assert (None if found is None else len(found.records)) == expected


def test_an_annotation_file_without_a_folder_of_pictures_is_refused(tmp_path):
    file, _ = write_data(tmp_path)
    with pytest.raises(DataError, match="--images"):
        load_records(file)


@pytest.mark.parametrize("images", ["nowhere", "data.json"])
def test_an_image_folder_that_is_none_is_refused(tmp_path, images):
    file, _ = write_data(tmp_path)
    with pytest.raises(DataError, match=f"{images}: there is no such image folder"):
        load_records(file, tmp_path / images)


def test_pictures_that_do_not_fit_their_annotations_are_found_at_once(tmp_path):
    file, images = write_data(tmp_path, width=41)
    with pytest.raises(DataError, match="40x30 instead of 41x30"):
        load_records(file, images)


def test_one_picture_becomes_a_record_without_annotations(tmp_path):
    _, images = write_data(tmp_path)
    result = load_images(str(images / "a.png"), ["x", "y"])
    (record,) = result.records
    assert (record.image_id, record.width, record.height) == ("a.png", 40, 30)
    assert record.boxes.shape == (0, 4)
    assert (result.class_names, result.category_ids) == (("x", "y"), (0, 1))


def test_a_folder_gives_its_pictures_in_order_and_nothing_else(tmp_path):
    for name in ("b.JPG", "a.png", "c.jpeg", "d.bmp", "e.gif"):
        Image.fromarray(np.zeros((8, 9, 3), "uint8")).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("none")
    (tmp_path / "folder.png").mkdir()
    names = [record.image_id for record in load_images(tmp_path, ["x"]).records]
    assert names == ["a.png", "b.JPG", "c.jpeg", "d.bmp", "e.gif"]


def test_a_folder_without_pictures_is_refused(tmp_path):
    with pytest.raises(DataError, match="the folder holds no pictures"):
        load_images(tmp_path, ["x"])


def test_a_picture_that_is_missing_or_none_is_refused(tmp_path):
    with pytest.raises(DataError, match="no such file or folder"):
        load_images(tmp_path / "none.png", ["x"])
    (tmp_path / "text.png").write_text("text")
    for path in (tmp_path, tmp_path / "text.png"):
        with pytest.raises(DataError, match=r"text\.png: not a readable picture"):
            load_images(path, ["x"])
