"""Detected objects: counted, filtered, cut out, drawn, and written as others read them."""

import csv
import io
import json
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PIL import Image

from keras_effspine.data.formats.coco import load_coco
from keras_effspine.data.formats.yolo_labels import read_label_line
from keras_effspine.data.images.image_pixels import read_image
from keras_effspine.data.loading import load_records
from keras_effspine.data.run_lengths import crop_run_lengths
from keras_effspine.data.semantic_labels import decode_mask
from keras_effspine.drawing.detections import class_colour
from keras_effspine.errors import DataError, MissingPackageError
from keras_effspine.results.detections import Detections
from keras_effspine.results.picture import Picture
from keras_effspine.results.predictions import Predictions

NAMES = ("cat", "dog", "bird")
BOXES = np.array([[10.0, 20.0, 50.5, 60.0], [12.0, 20.0, 50.0, 61.0], [0.0, 0.0, 5.0, 80.0]])


@pytest.fixture
def picture():
    pixels = np.random.default_rng(0).integers(0, 255, (80, 100, 3)).astype("uint8")
    return Picture.of(pixels)


@pytest.fixture
def found(picture):
    return Detections(picture, NAMES, BOXES, np.array([0.9, 0.8, 0.25]), np.array([0, 1, 0]))


@pytest.fixture
def instances(picture):
    masks = tuple(
        crop_run_lengths(np.ones((4, 6), bool), left, 10, picture.width, picture.height)
        for left in (2, 20, 90)
    )
    boxes = np.array([[2.0, 10, 8, 14], [20, 10, 26, 14], [90, 10, 96, 14]])
    return Detections(picture, NAMES, boxes, np.array([0.9, 0.6, 0.3]), np.arange(3), masks)


def test_objects_are_a_sequence(found):
    assert len(found) == 3
    first = found[0]
    assert (first.name, first.score, first.box) == ("cat", 0.9, (10.0, 20.0, 50.5, 60.0))
    assert first.mask is None
    assert [one.name for one in found] == found.names == ["cat", "dog", "cat"]
    assert found[-1].class_id == 0
    with pytest.raises(IndexError):
        found[3]


def test_some_of_them_are_the_same_kind_of_object(found, instances):
    assert found[:2].names == ["cat", "dog"]
    assert found[found.scores > 0.5].names == ["cat", "dog"]
    assert found.above(0.8).names == ["cat", "dog"]
    assert found.of_classes("cat").scores.tolist() == [0.9, 0.25]
    assert len(found.of_classes("fish")) == len(found[:0].of_classes("cat")) == 0
    assert instances[np.array([2, 0])].run_lengths[0] is instances.run_lengths[2]


def test_of_objects_at_one_place_the_best_is_likely(found):
    assert found.likely(0.0).names == ["cat", "cat"]
    assert found.likely(0.3).scores.tolist() == [0.9]
    assert found.likely(0.0, every_guess=True).names == found.names
    assert len(found.likely(0.95)) == 0


def test_people_read_what_was_found(found, instances):
    assert repr(found).splitlines() == [
        "picture, 100 x 80 px: 3 objects (class, score, left, top, right, bottom in pixels)",
        "  cat 0.90     10.0     20.0     50.5     60.0",
        "  dog 0.80     12.0     20.0     50.0     61.0",
        "  cat 0.25      0.0      0.0      5.0     80.0",
    ]
    assert repr(found[:0]) == "picture, 100 x 80 px: 0 objects"
    assert "3 instances" in repr(instances)
    assert found.summary() == "2 cat, 1 dog"
    many = found[np.zeros(25, int)]
    assert repr(many).splitlines()[-1] == "  ... and 5 more"


def test_classes_without_names_are_called_by_their_ids(picture):
    found = Detections(picture, None, BOXES, np.array([0.9, 0.8, 0.2]), np.array([0, 7, 0]))
    assert found.names == ["0", "7", "0"]
    assert [one["name"] for one in found.to_coco()["categories"]] == list("01234567")
    assert found.plot().size[0] >= 100


def test_it_is_drawn_on_its_picture(found, instances, picture):
    drawn = found.plot(min_score=0.5)
    zoom = drawn.width // picture.width
    assert drawn.size == (100 * zoom, 80 * zoom)
    colours = {tuple(colour) for colour in np.asarray(drawn).reshape(-1, 3).tolist()}
    assert {class_colour(0), class_colour(1)} <= colours
    assert found._repr_png_()[:4] == b"\x89PNG"
    plain = picture.pixels().repeat(zoom, 0).repeat(zoom, 1)
    np.testing.assert_array_equal(np.asarray(found[:0].plot()), plain)
    assert (np.asarray(instances.plot()) != np.asarray(instances[:0].plot())).any()


def test_objects_are_cut_out(found, picture):
    crops = found.crop()
    np.testing.assert_array_equal(np.asarray(crops[0]), picture.pixels()[20:60, 10:51])
    assert [crop.size for crop in crops] == [(41, 40), (38, 41), (5, 80)]
    flat = Detections(
        picture, NAMES, np.array([[100.0, 80, 100, 80]]), np.ones(1), np.zeros(1, int)
    )
    assert flat.crop()[0].size == (1, 1)


def test_masks_are_planes_of_the_picture(instances, found):
    masks = instances.masks
    assert masks.shape == (3, 80, 100)
    assert masks.sum(axis=(1, 2)).tolist() == [24, 24, 24]
    np.testing.assert_array_equal(instances[1].mask, masks[1])
    assert instances[:0].masks.shape == (0, 80, 100)
    assert found.masks is None


def test_coco_reads_back_what_was_found(found, instances, tmp_path):
    for one in (found, instances):
        Image.fromarray(one.picture.pixels()).save(tmp_path / "picture.png")
        content = one.to_coco()
        content["images"][0]["file_name"] = "picture.png"
        (tmp_path / "a.json").write_text(json.dumps(content))
        read = load_coco(tmp_path / "a.json", tmp_path)
        (record,) = read.records
        assert not read.problems
        assert read.class_names == NAMES
        np.testing.assert_allclose(record.boxes[:, :2] + record.boxes[:, 2:], one.boxes[:, 2:])
        assert record.classes.tolist() == one.class_ids.tolist()
        assert [said["score"] for said in record.attributes] == one.scores.tolist()
    assert record.areas.tolist() == [24, 24, 24]
    assert [mask["counts"] for mask in record.masks] == [m["counts"] for m in one.run_lengths]


def test_yolo_voc_and_csv_say_the_same(found):
    for line, box in zip(found.to_yolo().splitlines(), BOXES, strict=True):
        _, ((x, y), (width, height)) = read_label_line(line)
        corners = [x - width / 2, y - height / 2, x + width / 2, y + height / 2]
        np.testing.assert_allclose(np.array(corners) * [100, 80, 100, 80], box, atol=1e-6)
    root = ElementTree.fromstring(found.to_voc().encode())
    assert [one.text for one in root.findall("object/name")] == found.names
    assert [float(one.text) for one in root.find("object/bndbox")] == BOXES[0].tolist()
    rows = list(csv.DictReader(io.StringIO(found.to_csv())))
    assert rows[0]["class"] == "cat"
    assert [float(rows[0][side]) for side in ("left", "top", "right", "bottom")] == [
        10,
        20,
        50.5,
        60,
    ]
    assert found[:0].to_yolo() == ""


def test_supervision_takes_them(found, instances, monkeypatch):
    pytest.importorskip("supervision")
    theirs = instances.to_supervision()
    np.testing.assert_allclose(theirs.xyxy, instances.boxes)
    np.testing.assert_array_equal(theirs.mask, instances.masks)
    assert theirs["class_name"].tolist() == list(NAMES)
    assert len(found[:0].to_supervision()) == 0


def test_without_supervision_the_extra_is_named(found, monkeypatch):
    monkeypatch.setitem(sys.modules, "supervision", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'keras-effspine\[supervision\]'"):
        found.to_supervision()


@pytest.mark.parametrize("format", ["coco", "voc", "yolo", "cvat", "label-studio"])
def test_saved_results_are_annotations_that_are_read_back(found, tmp_path, format):
    results = Predictions([found])
    lost = results.save(tmp_path / "out", format)
    source = tmp_path / "out"
    images = None
    if format == "coco":
        source, images = source / "train.json", source / "images"
    records = load_records(source, images)
    (record,) = records.records
    assert not [p for p in records.problems if p.action != "clipped"]
    x, y, width, height = record.boxes.T
    read = np.stack([x, y, x + width, y + height], axis=1)
    np.testing.assert_allclose(read, BOXES, atol=1e-6)
    names = [records.class_names[index] for index in record.classes]
    assert names == ["cat", "dog", "cat"]
    scores = [said.get("score") for said in record.attributes]
    if format in ("voc", "yolo"):
        assert scores in ([], [None] * 3)
        (line,) = lost
        assert "attributes" in line
    else:
        assert lost == []
        assert scores == [0.9, 0.8, 0.25]
    np.testing.assert_array_equal(read_image(record), found.picture.pixels())


@pytest.mark.parametrize("format", ["coco", "yolo", "cvat", "label-studio"])
def test_saved_masks_are_read_back(picture, tmp_path, format):
    y, x = np.mgrid[:80, :100]
    plane = (x - 40) ** 2 / 900 + (y - 30) ** 2 / 400 <= 1
    mask = crop_run_lengths(plane, 0, 0, 100, 80)
    box = np.array([[10.0, 10, 70, 50]])
    one = Detections(picture, NAMES, box, np.array([0.9]), np.array([1]), (mask,))
    Predictions([one]).save(tmp_path / "out", format)
    source = tmp_path / "out"
    is_coco = format == "coco"
    records = load_records(
        source / "train.json" if is_coco else source, source / "images" if is_coco else None
    )
    (record,) = records.records
    assert records.class_names[record.classes[0]] == "dog"
    again = decode_mask(record.masks[0], record, "it")
    overlap = (plane & again).sum() / (plane | again).sum()
    assert overlap > (0.97 if format in ("yolo", "label-studio") else 0.999)
    if format in ("yolo", "label-studio"):
        assert len(record.masks[0][0]) < 60  # corners that a person can drag


def test_masks_as_outlines_need_an_extra(instances, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "supervision", None)
    with pytest.raises(MissingPackageError, match=r"keras-effspine\[supervision\]"):
        Predictions([instances]).save(tmp_path / "out", "yolo")
    assert not (tmp_path / "out").exists()


def test_results_are_not_saved_over_something_or_in_no_format(found, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").write_text("")
    with pytest.raises(DataError, match="exists and is not empty"):
        Predictions([found]).save(tmp_path / "out", "cvat")
    with pytest.raises(DataError, match="csv: no known format; choose one of coco, voc"):
        Predictions([found]).save(tmp_path / "new", "csv")
