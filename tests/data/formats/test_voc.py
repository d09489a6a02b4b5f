"""Reading and writing Pascal VOC folders."""

import dataclasses

import numpy as np
import pytest
from PIL import Image
from small_data import assert_same_objects

from keras_effspine.data.formats.coco import load_coco
from keras_effspine.data.formats.voc import load_voc, voc_splits
from keras_effspine.data.formats.voc_writing import save_voc
from keras_effspine.data.loading import load_records
from keras_effspine.errors import DataError

BOX = "<bndbox><xmin>2</xmin><ymin>3</ymin><xmax>12</xmax><ymax>14.5</ymax></bndbox>"
GOOD = f"<object><name>mug</name><pose>Left</pose><truncated>1</truncated>{BOX}</object>"
SIZE = "<size><width>40</width><height>30</height><depth>3</depth></size>"


def write_voc(folder, objects=GOOD, size=SIZE, filename="a.png", extra="", names=("a", "b")):
    """A folder of two pictures; `objects` are those of the first."""
    for part in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (folder / part).mkdir(parents=True)
    for name in ("a", "b"):
        Image.new("RGB", (40, 30)).save(folder / "JPEGImages" / f"{name}.png")
    content = f"<annotation><filename>{filename}</filename>{extra}{size}{objects}</annotation>"
    (folder / "Annotations" / "a.xml").write_text(content)
    other = f"<object><name>cat</name>{BOX}</object>"
    (folder / "Annotations" / "b.xml").write_text(f"<annotation>{SIZE}{other}</annotation>")
    (folder / "ImageSets/Main/train.txt").write_text("".join(f"{name}\n" for name in names))
    (folder / "ImageSets/Main/mug_train.txt").write_text("a  1\nb -1\n")
    return folder


def test_a_list_picks_the_pictures_and_the_classes_are_those_of_the_whole_folder(tmp_path):
    write_voc(tmp_path, names=["a"])
    assert voc_splits(tmp_path) == ("train",)
    result = load_voc(tmp_path, "train")
    (record,) = result.records
    assert result.class_names == ("cat", "mug")
    assert (record.image_id, record.path) == ("a", tmp_path / "JPEGImages/a.png")
    assert record.boxes.tolist() == [[2, 3, 10, 11.5]]
    assert record.classes.tolist() == [1]
    assert record.areas.tolist() == [115]
    assert record.attributes == ({"pose": "Left", "truncated": True},)
    assert len(load_voc(tmp_path).records) == 2


def test_the_files_of_the_challenge_count_pixels_from_one(tmp_path):
    source = "<source><database>The VOC2007 Database</database></source>"
    record = load_voc(write_voc(tmp_path, extra=source), "train").records[0]
    assert record.boxes.tolist() == [[1, 2, 11, 12.5]]


def test_a_difficult_object_counts_as_a_crowd(tmp_path):
    difficult = GOOD.replace("<truncated>", "<difficult>1</difficult><truncated>")
    record = load_voc(write_voc(tmp_path, GOOD + difficult), "train").records[0]
    assert record.is_crowd.tolist() == [False, True]
    assert record.attributes[1]["difficult"] is True


def test_parts_of_an_object_are_no_objects(tmp_path):
    parts = GOOD.replace("</object>", f"<part><name>ear</name>{BOX}</part></object>")
    result = load_voc(write_voc(tmp_path, parts), "train")
    assert result.class_names == ("cat", "mug")
    assert len(result.records[0].boxes) == 1


@pytest.mark.parametrize("size", ["", SIZE.replace("40", "0"), "<size><width>x</width></size>"])
def test_a_size_that_is_not_annotated_is_that_of_the_picture(tmp_path, size):
    record = load_voc(write_voc(tmp_path, size=size), "train").records[0]
    assert (record.width, record.height) == (40, 30)


@pytest.mark.parametrize(
    ("objects", "kind"),
    [
        ("<object><name>mug</name></object>", "box missing"),
        (f"<object>{BOX}</object>", "object without name"),
        (GOOD.replace("<xmin>2</xmin>", ""), "box is not four numbers"),
        (GOOD.replace("12", "twelve"), "box is not four numbers"),
        (GOOD.replace("12", "nan"), "box is not finite"),
        (GOOD.replace("12", "1"), "box without area"),
        (GOOD.replace("12", "45").replace(">2<", ">41<"), "box outside of its image"),
    ],
)
def test_a_broken_object_is_dropped_and_named(tmp_path, objects, kind):
    result = load_voc(write_voc(tmp_path, objects + GOOD), "train")
    (problem,) = result.problems
    assert (problem.kind, problem.where, problem.action) == (kind, "a.xml, object 1", "dropped")
    assert len(result.records[0].boxes) == 1


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "annotation file empty"),
        (b"<annotation>", "annotation file is no valid XML"),
        (b"<annotation><object><name>\xff</name></object></annotation>", "is no valid XML"),
        (b"<?xml version='1.0' encoding='soup'?><annotation/>", "is no valid XML"),
        (None, "annotation file missing"),
    ],
)
def test_a_picture_whose_annotation_cannot_be_read_is_skipped_and_named(tmp_path, content, kind):
    write_voc(tmp_path)
    path = tmp_path / "Annotations" / "a.xml"
    path.unlink() if content is None else path.write_bytes(content)
    result = load_voc(tmp_path, "train")
    assert [record.image_id for record in result.records] == ["b"]
    (problem,) = result.problems
    assert kind in problem.kind
    assert problem.action == "skipped"
    assert "a.xml" in problem.where


BOMB = "<!ENTITY a 'ha'>" + "".join(
    f"<!ENTITY {b} '{f'&{a};' * 10}'>" for a, b in zip("abcdefghi", "bcdefghij", strict=True)
)


@pytest.mark.parametrize(
    ("doctype", "entity"),
    [(BOMB, "j"), ("<!ENTITY x SYSTEM 'file:///etc/passwd'>", "x")],
)
def test_entities_are_refused_in_one_line(tmp_path, doctype, entity):
    write_voc(tmp_path)
    content = f"<!DOCTYPE annotation [{doctype}]><annotation>&{entity};{GOOD}</annotation>"
    (tmp_path / "Annotations" / "a.xml").write_text(content)
    with pytest.raises(DataError, match=r"a\.xml: defines XML entities"):
        load_voc(tmp_path, "train")


@pytest.mark.parametrize("name", ["../a", "sub/../../a", "/etc/a", "..\\a", "C:\\a"])
def test_a_name_that_leaves_the_folder_is_refused(tmp_path, name):
    write_voc(tmp_path, names=["a", name])
    with pytest.raises(DataError, match=r"train\.txt: .* leaves the folder"):
        load_voc(tmp_path, "train")


@pytest.mark.parametrize(
    "filename",
    ["../a.png", "/etc/a.jpg", "C:\\pictures\\a.jpg", "a", "a.jpeg", "", "other.png", "a.png/"],
)
def test_a_picture_is_found_by_the_name_of_its_annotation_whatever_filename_says(
    tmp_path, filename
):
    record = load_voc(write_voc(tmp_path, filename=filename), "train").records[0]
    assert record.path == tmp_path / "JPEGImages/a.png"


def test_the_file_name_tells_where_no_picture_has_the_name_of_the_annotation(tmp_path):
    write_voc(tmp_path, filename="D:\\all\\IMG 1.png")
    (tmp_path / "JPEGImages/a.png").rename(tmp_path / "JPEGImages/IMG 1.png")
    assert load_voc(tmp_path, "train").records[0].path == tmp_path / "JPEGImages/IMG 1.png"


def test_a_list_that_names_a_missing_picture_costs_that_picture(tmp_path):
    write_voc(tmp_path)
    for number in range(20):
        for part, suffix in (("Annotations", "xml"), ("JPEGImages", "png")):
            content = (tmp_path / part / f"b.{suffix}").read_bytes()
            (tmp_path / part / f"more{number}.{suffix}").write_bytes(content)
    names = ["a", *(f"more{number}" for number in range(20))]
    (tmp_path / "ImageSets/Main/train.txt").write_text("\n".join(names))
    (tmp_path / "JPEGImages" / "a.png").unlink()
    result = load_records(tmp_path, split="train")
    assert len(result.records) == 20
    assert [problem.kind for problem in result.problems] == ["image file missing"]


def test_a_list_that_is_missing_or_names_a_picture_twice_is_refused(tmp_path):
    write_voc(tmp_path, names=["a", "b", "a"])
    with pytest.raises(DataError, match="no list 'test' in ImageSets/Main; there are: train"):
        load_voc(tmp_path, "test")
    with pytest.raises(DataError, match="names 'a' twice"):
        load_voc(tmp_path, "train")


def test_a_folder_whose_annotations_name_no_class_is_refused(tmp_path):
    write_voc(tmp_path, objects="")
    (tmp_path / "Annotations" / "b.xml").write_text("<annotation/>")
    with pytest.raises(DataError, match="no annotation names a class"):
        load_voc(tmp_path, "train")


def test_a_name_that_is_no_utf8_is_found(tmp_path):
    write_voc(tmp_path)
    name = b"\xe4".decode("utf-8", "surrogateescape")
    for part, suffix in (("Annotations", "xml"), ("JPEGImages", "png")):
        path = tmp_path / part / f"b.{suffix}"
        path.rename(path.with_name(f"{name}.{suffix}"))
    (tmp_path / "ImageSets/Main/train.txt").write_bytes(b"a\n\xe4\n")
    assert [record.path.is_file() for record in load_voc(tmp_path, "train").records] == [True] * 2


def test_the_label_map_holds_the_classes_and_their_order(tmp_path):
    write_voc(tmp_path)
    (tmp_path / "labelmap.txt").write_text("# label:color\nbackground:::\nmug:::\ndog:1,2,3::\n")
    result = load_voc(tmp_path, "train")
    assert result.class_names == ("mug", "dog")
    assert [problem.kind for problem in result.problems] == ["unknown class"]


@pytest.mark.parametrize("names", [("a:b",), (" a",), ("",), ("a", "a")])
def test_classes_that_the_format_cannot_hold_are_refused(tmp_path, names):
    record_set = load_voc(write_voc(tmp_path / "in"), "train")
    record_set = dataclasses.replace(record_set, class_names=names)
    with pytest.raises(DataError, match="Pascal VOC folder"):
        save_voc({"train": record_set}, tmp_path / "out", {"train": ["a.png", "b.png"]})


@pytest.mark.real_data
def test_the_blood_cells_are_the_same_from_voc_and_from_json(real_data):
    folder = real_data / "bccd"
    assert voc_splits(folder) == ("test", "train", "trainval", "val")
    for split in ("train", "val", "test"):
        voc = load_voc(folder, split)
        coco = load_coco(folder / f"{split}.json", folder / "JPEGImages")
        for one, other in zip(voc.records, coco.records, strict=True):
            assert one.path == other.path
            np.testing.assert_array_equal(one.boxes, other.boxes)
            names = [voc.class_names[index] for index in one.classes]
            assert names == [coco.class_names[index] for index in other.classes]


def test_what_is_saved_loads_as_it_was(tmp_path):
    first = load_voc(write_voc(tmp_path / "in"), "train")
    names = {"train": [record.path.name for record in first.records]}
    save_voc({"train": first}, tmp_path / "out", names)
    again = load_voc(tmp_path / "out", "train")
    assert_same_objects(first, again)
    assert [r.attributes for r in again.records] == [r.attributes for r in first.records]
    assert [r.image_id for r in again.records] == [r.image_id for r in first.records]


@pytest.mark.parametrize(
    "wrap",
    [
        lambda text: text.replace("annotation>", "html>"),
        lambda text: text.replace("<annotation>", "<annotation xmlns='http://example.org/voc'>"),
        lambda text: f"<dataset>{text}</dataset>",
        lambda text: text.replace("object>", "Object>").replace("bndbox>", "BNDBOX>"),
        lambda text: text.replace("<object>", "<objects><object>").replace(
            "</object>", "</object></objects>"
        ),
    ],
)
def test_objects_are_read_under_any_root_namespace_and_case(tmp_path, wrap):
    write_voc(tmp_path)
    path = tmp_path / "Annotations/a.xml"
    path.write_text(wrap(path.read_text()))
    result = load_voc(tmp_path, "train")
    assert result.problems == ()
    assert result.records[0].boxes.tolist() == [[2, 3, 10, 11.5]]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ("<html><body/></html>", "XML file without an annotation"),
        (f"<all><annotation/><annotation>{GOOD}</annotation></all>", "of several pictures"),
        (f"<all><annotation/>{GOOD}</all>", "objects outside of the annotation"),
    ],
)
def test_a_document_whose_objects_would_vanish_is_skipped_and_named(tmp_path, content, kind):
    write_voc(tmp_path)
    (tmp_path / "Annotations/a.xml").write_text(content)
    result = load_voc(tmp_path, "train")
    assert [record.image_id for record in result.records] == ["b"]
    assert kind in result.problems[0].kind
    assert result.problems[0].where.endswith("a.xml")


def test_a_box_in_no_object_is_named(tmp_path):
    result = load_voc(write_voc(tmp_path, GOOD + f"<objekt>{BOX}</objekt>"), "train")
    assert [(p.kind, p.where) for p in result.problems] == [
        ("box that belongs to no object", "a.xml")
    ]


def test_folders_inside_of_annotations_and_pictures_belong_to_each_other(tmp_path):
    write_voc(tmp_path)
    (tmp_path / "ImageSets/Main/train.txt").unlink()
    for folder, width in (("day", 20), ("night/late", 40)):
        for part in ("Annotations", "JPEGImages"):
            (tmp_path / part / folder).mkdir(parents=True)
        Image.new("RGB", (width, 30)).save(tmp_path / "JPEGImages" / folder / "a.PNG")
        (tmp_path / "Annotations" / folder / "a.xml").write_text(
            f"<annotation><filename>a.png</filename>{GOOD}</annotation>"
        )
    result = load_voc(tmp_path)
    sizes = {record.image_id: record.width for record in result.records}
    assert sizes == {"a": 40, "b": 40, "day/a": 20, "night/late/a": 40}
    assert result.problems == ()


def test_pictures_without_an_annotation_file_are_named(tmp_path):
    write_voc(tmp_path)
    (tmp_path / "Annotations/a.xml").unlink()
    (problem,) = load_voc(tmp_path).problems
    assert (problem.kind, problem.action) == ("picture without an annotation file", "left out")
    assert problem.where.endswith("a.png")


def test_a_size_that_no_picture_has_is_read_of_the_picture(tmp_path):
    size = "<size><width>999999999</width><height>999999</height></size>"
    record = load_voc(write_voc(tmp_path, size=size), "train").records[0]
    assert (record.width, record.height) == (40, 30)
