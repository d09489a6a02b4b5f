"""Data from Python: what was recognised, looked at and shown without a network."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import keras_effspine
from keras_effspine.errors import DataError, RecipeError


@pytest.fixture
def said():
    return []


@pytest.fixture
def shapes(small_shapes, said):
    return keras_effspine.load_data("shapes", report=said.append)


def test_what_was_recognised_is_said_and_shown(shapes, said, handful):
    assert [line.partition(":")[2] for line in said] == [
        " embedded data set, 8 pictures of 6 classes, split train",
        " embedded data set, 4 pictures of 6 classes, split val",
    ]
    assert repr(shapes.train) == said[0]
    assert (shapes.task, len(shapes.val.records)) == ("detection", 4)
    objects = sum(int((~record.is_crowd).sum()) for record in shapes.train.records)
    assert sum(shapes.counts.values()) == objects
    assert tuple(shapes.counts) == shapes.class_names == handful.records.class_names
    for shown in (repr(shapes), shapes._repr_html_()):
        assert "For detection" in shown
        assert f"{shapes.counts['disc']}" in shown
        assert said[1] in shown
    assert shapes._repr_html_().startswith("<pre")


def test_an_export_is_loaded_as_it_was_downloaded(handful, tmp_path, said, monkeypatch):
    monkeypatch.setenv("EFFSPINE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    shutil.copytree(handful.images, "export/train")
    shutil.copy(handful.file, "export/train/_annotations.coco.json")
    shutil.make_archive("my_export", "zip", "export")
    data = keras_effspine.load_data("my_export.zip", report=said.append)
    assert said[0].startswith(f"{tmp_path}/my_export.zip/train/_annotations.coco.json: COCO")
    assert data.val is None
    assert data.named.data == str(tmp_path / "my_export.zip")  # holds wherever a run starts


def test_the_task_is_what_is_annotated_unless_it_is_named(small_shapes, tmp_path, said):
    for name in "ab":
        (tmp_path / "classes" / name).mkdir(parents=True)
        Image.new("RGB", (40, 30)).save(tmp_path / "classes" / name / "1.png")
    labelled = keras_effspine.load_data(tmp_path / "classes", report=said.append)
    assert (labelled.task, labelled.counts) == ("classification", {"a": 1, "b": 1})
    maps = keras_effspine.load_data("shapes", task="semantic_segmentation", report=said.append)
    assert maps.class_names[0] == "background"
    assert maps.for_task("semantic_segmentation") is maps
    objects = maps.for_task("instance_segmentation", said.append)
    assert objects.train.records[0].masks[0] is not None
    with pytest.raises(RecipeError, match="there are: detection, classification"):
        keras_effspine.load_data("shapes", task="cooking")


def test_pictures_are_shown_with_their_annotations(shapes):
    shown = shapes.show(2)
    assert shown._repr_png_()[1:4] == b"PNG"
    assert shapes.show(2, part="val", columns=1).height > shown.height
    plain = np.asarray(Image.open(shapes.train.records[0].path))
    assert len(np.unique(np.asarray(shown).reshape(-1, 3), axis=0)) > len(np.unique(plain)) / 2
    with pytest.raises(ValueError, match="must be 1 or more. Received: 0, 3"):
        shapes.show(0)
    with pytest.raises(DataError, match="has no part 'test'"):
        shapes.show(part="test")


def test_what_is_broken_is_left_out_of_the_picture_and_found_by_the_check(handful, tmp_path, said):
    images = shutil.copytree(handful.images, tmp_path / "images")
    path = sorted(images.iterdir())[0]
    path.write_bytes(path.read_bytes()[:2000])
    data = keras_effspine.load_data(handful.file, images=images, report=said.append)
    assert said[-1].startswith("No validation data named")
    assert data.show(4).width > 100
    found = data.check()
    assert found.has_errors
    assert path.name in repr(found)
    assert "image cannot be decoded" in found._repr_html_()
    whole = keras_effspine.load_data(handful.file, images=handful.images, report=said.append)
    assert not whole.check().has_errors
    for file in images.iterdir():
        file.write_bytes(file.read_bytes()[:2000])
    with pytest.raises(DataError, match="no picture can be decoded"):
        data.show()


def test_pictures_are_reserved_in_place_of_validation_data(handful, shapes, said):
    data = keras_effspine.load_data(handful.file, images=handful.images, report=said.append)
    kept = data.reserve(1)
    assert (len(kept.train.records), len(kept.val.records)) == (3, 1)
    again = keras_effspine.load_data(
        handful.file, images=handful.images, reserve=1, report=said.append
    )
    assert again.val.records[0].image_id == kept.val.records[0].image_id
    assert again.named == kept.named
    for taken in (kept, shapes):
        with pytest.raises(DataError, match="there are validation pictures already"):
            taken.reserve(1)
    with pytest.raises(DataError, match="3 cannot be reserved"):
        data.reserve(3)


def test_mistakes_are_said_as_on_the_command_line(handful, tmp_path):
    with pytest.raises(DataError, match="nowhere.zip: there is no such file or folder"):
        keras_effspine.load_data(tmp_path / "nowhere.zip")
    with pytest.raises(DataError, match="name the folder of its pictures"):
        keras_effspine.load_data(handful.file)
    with pytest.raises(RecipeError, match="val_images is the folder of val_data"):
        keras_effspine.load_data("shapes", val_images="folder")


def test_many_classes_are_not_all_shown(handful, tmp_path, said):
    content = json.loads(handful.file.read_text())
    content["categories"] += [{"id": 100 + i, "name": f"more {i}"} for i in range(30)]
    (tmp_path / "many.json").write_text(json.dumps(content))
    data = keras_effspine.load_data(
        tmp_path / "many.json", images=handful.images, report=said.append
    )
    assert "... and 16 more" in repr(data)


@pytest.mark.integration
def test_data_are_looked_at_without_tensorflow(handful):
    code = (
        "import sys, keras_effspine\n"
        f"data = keras_effspine.load_data({str(handful.file)!r}, images={str(handful.images)!r})\n"
        "data.check(); data.show()\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
