"""`effspine data check` and `effspine data convert`."""

import json
import os
import pathlib
import shutil

import numpy as np
import pytest
from PIL import Image
from small_classes import class_folders

from keras_effspine.data.loading import load_records


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch, small_shapes):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("rich.console.Console.width", 200, raising=False)


def in_one_line(text):
    return " ".join(text.split())


def test_good_data_pass_and_a_gallery_shows_the_truth(effspine):
    answer = effspine("data", "check", "--data", "shapes", "--out", "gallery.png")
    assert (answer.status, answer.err) == (0, "")
    assert "embedded data set, 8 pictures of 6 classes, split train" in answer.out
    assert "embedded data set, 4 pictures of 6 classes, split val" in answer.out
    assert "Training and validation share no picture." in answer.out
    assert "hexagon" in answer.out
    assert "A picture is scaled to fit 384 px" in in_one_line(answer.out)
    with Image.open("gallery.png") as gallery:
        assert gallery.width > 1000
        assert np.asarray(gallery).std() > 20


def test_errors_end_in_status_one_and_are_named(effspine, handful):
    shutil.copytree(handful.images, "pictures")
    (broken, other) = sorted(os.listdir("pictures"))[:2]
    path = os.path.join("pictures", broken)
    with open(path, "r+b") as file:
        file.truncate(os.path.getsize(path) // 2)
    content = json.loads(handful.file.read_text())
    content["annotations"][0]["bbox"] = [1, 1, 0, 5]
    with open("data.json", "w") as file:
        json.dump(content, file)
    answer = effspine("data", "check", "--data", "data.json", "--images", "pictures")
    assert (answer.status, answer.err) == (1, "")
    for words in ("image cannot be decoded", "box without area (dropped)", broken):
        assert words in in_one_line(answer.out.replace("│", " ")) or words in answer.out
    assert other not in answer.out


def test_more_broken_pictures_than_training_accepts_are_still_reported(effspine, handful):
    os.mkdir("empty")
    answer = effspine("data", "check", "--data", handful.file, "--images", "empty")
    assert (answer.status, answer.err) == (1, "")
    assert "image file missing" in in_one_line(answer.out.replace("│", " "))


def test_validation_data_that_are_trained_on_are_an_error(effspine, handful):
    answer = effspine(
        *("data", "check", "--data", "shapes", "--split", "val"),
        *("--val-data", handful.file, "--val-images", handful.images),
    )
    assert answer.status == 1
    assert "trained on" in in_one_line(answer.out.replace("│", " "))


@pytest.mark.parametrize("target", ["voc", "yolo", "tfrecord"])
def test_a_data_set_converts_with_its_parts_and_says_what_is_left_out(effspine, target):
    answer = effspine("data", "convert", "--data", "shapes", "--to", target, "--out", "new")
    assert (answer.status, answer.err) == (0, "")
    assert "12 pictures written in train, val: new" in answer.out
    assert ("left out" in answer.out) is (target != "tfrecord")
    assert len(load_records("new").records) == 8
    assert len(load_records("new", split="val").records) == 4
    again = effspine("data", "convert", "--data", "new", "--to", "coco", "--out", "back")
    assert again.status == 0
    assert len(load_records("back/val.json", "back/images").records) == 4


def test_one_part_converts_alone(effspine):
    answer = effspine(
        *("data", "convert", "--data", "shapes", "--split", "val", "--to", "coco", "--out", "new")
    )
    assert answer.status == 0
    assert sorted(os.listdir("new")) == ["images", "val.json"]


def test_a_file_name_that_is_no_utf8_is_printed(effspine, handful):
    shutil.copytree(handful.images, "pictures")
    content = json.loads(handful.file.read_text())
    name = os.fsdecode(b"\xe4.png")
    os.rename(os.path.join("pictures", content["images"][0]["file_name"]), "pictures/" + name)
    content["images"][0]["file_name"] = name
    content["images"][1]["file_name"] = os.fsdecode(b"none\xe4.png")
    with open("data.json", "w") as file:
        json.dump(content, file)
    answer = effspine("data", "check", "--data", "data.json", "--images", "pictures")
    assert answer.status == 1
    assert "udce4" in in_one_line(answer.out)


def test_a_folder_for_each_class_is_checked_and_converted_to_shards_alone(effspine, tmp_path):
    folder = class_folders(tmp_path / "classes", {"train": 3, "val": 2})
    gallery = tmp_path / "gallery.png"
    checked = effspine("data", "check", "--data", folder, "--out", gallery)
    assert checked.err == ""
    assert "folder for each class, 6 pictures of 2 classes, split train" in checked.out
    assert "trained on" in checked.out  # the same noise in both parts
    assert "objects" not in checked.out
    assert checked.status == 1
    assert gallery.is_file()
    for target, status in (("yolo", 2), ("tfrecord", 0)):
        options = ["--data", folder, "--to", target, "--out", tmp_path / target]
        assert effspine("data", "convert", *options).status == status


def test_validation_with_a_class_that_is_not_trained_on_is_refused(effspine):
    os.rename(class_folders(pathlib.Path("pictures")) / "val/red", "pictures/val/green")
    answer = effspine("data", "check", "--data", "pictures")
    assert answer.status == 2
    assert "pictures/val: the model does not know the classes green; it knows blue, red." in (
        in_one_line(answer.err)
    )


def yolo(folder, count=4, labels=b"0 0.5 0.5 0.2 0.2\n", **options):
    for i in range(count):
        for path in (folder / f"images/train/a{i}.png", folder / f"labels/train/a{i}.txt"):
            path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 30), (i, 9, 9)).save(folder / f"images/train/a{i}.png")
        (folder / f"labels/train/a{i}.txt").write_bytes(labels)
    (folder / "data.yaml").write_text("train: images/train\nnames: [cat]\n")
    return folder


def test_what_is_left_out_is_a_warning_and_is_named(effspine):
    folder = yolo(pathlib.Path("set"))
    (folder / "images/train/._a0.png").write_bytes(b"\0\5\x16\7")
    (folder / "images/train/b.heic").write_bytes(b"")
    answer = effspine("data", "check", "--data", folder)
    assert (answer.status, answer.err) == (0, "")
    out = in_one_line(answer.out.replace("│", " "))
    assert "4 pictures of 1 class" in out
    assert "hidden file (left out)" in out
    assert "(.heic)" in out


def test_where_nothing_can_be_read_the_reader_says_why(effspine):
    folder = yolo(pathlib.Path("set"), labels=b"\xff\xfe0")
    answer = effspine("data", "check", "--data", folder)
    assert answer.status == 2
    err = in_one_line(answer.err)
    assert "4 of the 4 pictures" in err
    assert "label file is no text in UTF-8 or UTF-16" in err


@pytest.mark.parametrize("split", ["train", "val"])
@pytest.mark.parametrize("target", ["voc", "yolo", "tfrecord"])
def test_one_converted_part_passes_its_own_check(effspine, target, split):
    options = ("--data", "shapes", "--split", split, "--to", target, "--out", "new")
    assert effspine("data", "convert", *options).status == 0
    answer = effspine("data", "check", "--data", "new", "--split", split)
    assert (answer.status, answer.err) == (0, "")
    assert "trained on" not in answer.out
    if split == "train":
        again = effspine("data", "check", "--data", "new")
        assert (again.status, again.out) == (0, answer.out)
