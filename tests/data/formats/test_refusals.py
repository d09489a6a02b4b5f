"""What readers refuse, or leave out, and say in one line."""

import json

import pytest
from PIL import Image

from keras_effspine.data.formats.class_folders import load_class_folders
from keras_effspine.data.formats.coco_panoptic import load_coco_panoptic
from keras_effspine.data.formats.labelled_tfrecord import load_labelled_tfrecord
from keras_effspine.data.formats.mask_folder import load_mask_folder
from keras_effspine.data.formats.via import load_via
from keras_effspine.data.formats.voc import load_voc
from keras_effspine.data.formats.yolo_names import read_lines, read_names
from keras_effspine.errors import DataError


def picture(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (64, 48), (9, 90, 9)).save(path)


def unknown_class_part(root):
    picture(root / "train/cat/a.png")
    load_class_folders(root, "test")


def unknown_record_part(root):
    (root / "classes.txt").write_text("cat\n")
    (root / "train.tfrecord").write_bytes(b"")
    load_labelled_tfrecord(root, "test")


def names_without_categories(root):
    (root / "notes.json").write_text('{"info": {}}')
    read_names(root / "notes.json")


def text_with_nul(root):
    (root / "obj.names").write_bytes(b"cat\0dog\n")
    read_lines(root / "obj.names")


def maps_without_pictures(root):
    (root / "images").mkdir()
    picture(root / "masks/a.png")
    (root / "masks/classes.txt").write_text("road\ncar\n")
    load_mask_folder(root / "images", root / "masks")


def panoptic_without_maps(root):
    content = {"images": [], "annotations": [], "categories": [{"id": 1, "name": "cat"}]}
    (root / "panoptic.json").write_text(json.dumps(content))
    load_coco_panoptic(root / "panoptic.json", root)


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (unknown_class_part, "there is no split 'test'; there are: train"),
        (unknown_record_part, "there is no split 'test'; there are: train"),
        (names_without_categories, "has no 'categories' with ids and names"),
        (text_with_nul, "NUL bytes"),
        (maps_without_pictures, "holds no pictures"),
        (panoptic_without_maps, "there is no such folder; it must hold the PNG files"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(tmp_path, read, message):
    with pytest.raises(DataError, match=message) as error:
        read(tmp_path)
    assert str(tmp_path) in str(error.value) and len(str(error.value)) < 400


def test_a_json_file_that_is_none_of_vias_is_left_out_and_named(tmp_path):
    picture(tmp_path / "a.png")
    shape = {"name": "rect", "x": 4, "y": 4, "width": 20, "height": 20}
    region = {"shape_attributes": shape, "region_attributes": {"class": "cat"}}
    entry = {"filename": "a.png", "size": 1, "regions": [region], "file_attributes": {}}
    (tmp_path / "via.json").write_text(json.dumps({"a.png1": entry}))
    (tmp_path / "other.json").write_text("[1, 2]")
    found = load_via(tmp_path, None)
    assert [len(record.boxes) for record in found.records] == [1]
    assert [p.kind for p in found.problems if "other.json" in p.where] == [
        "JSON file that is not VIA's"
    ]


def test_a_size_that_is_neither_annotated_nor_readable_costs_its_picture(tmp_path):
    for name in "abcdefghijkl":
        picture(tmp_path / f"JPEGImages/{name}.png")
        (tmp_path / "Annotations").mkdir(exist_ok=True)
        (tmp_path / f"Annotations/{name}.xml").write_text(
            f"<annotation><filename>{name}.png</filename><object><name>cat</name><bndbox>"
            "<xmin>4</xmin><ymin>4</ymin><xmax>20</xmax><ymax>20</ymax></bndbox></object>"
            "</annotation>"
        )
    (tmp_path / "JPEGImages/a.png").write_bytes(b"text")
    found = load_voc(tmp_path, None)
    assert len(found.records) == 11
    (problem,) = found.problems
    assert problem.kind == "size neither annotated nor readable" and "a.png" in problem.where
