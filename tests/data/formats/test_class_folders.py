"""A folder for each class."""

import pytest
from small_classes import class_folders, image

from keras_effspine.data.loading import load_records
from keras_effspine.data.sources import find_source
from keras_effspine.errors import DataError


def test_parts_and_classes_are_folders(tmp_path):
    class_folders(tmp_path)
    assert find_source(tmp_path).splits == ("train", "val")
    records = load_records(tmp_path)
    assert records.class_names == ("blue", "red")
    assert [record.image_label for record in records.records] == [0] * 6 + [1] * 6
    first = records.records[0]
    assert (first.image_id, first.width, first.height) == ("blue/0.jpg", 40, 30)
    assert len(load_records(tmp_path, split="val").records) == 6


def test_classes_may_lie_in_the_root(tmp_path):
    class_folders(tmp_path, {None: 2})
    records = load_records(tmp_path)
    assert (len(records.records), records.split) == (4, None)


def test_a_class_without_pictures_is_named(tmp_path):
    class_folders(tmp_path)
    (tmp_path / "train" / "green").mkdir()
    (tmp_path / "train" / "green" / "notes.txt").write_text("none yet")
    with pytest.raises(DataError, match=r"train.green: the class 'green' has no pictures"):
        load_records(tmp_path)


def test_a_broken_picture_is_counted_and_too_many_are_refused(tmp_path):
    class_folders(tmp_path, {None: 10})
    (tmp_path / "red" / "3.jpg").write_bytes(b"nothing")
    records = load_records(tmp_path)
    assert len(records.records) == 19
    assert records.problems[0].where.endswith("3.jpg")
    for index in range(3):
        (tmp_path / "blue" / f"{index}.jpg").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"4 of the 20 pictures .* cannot be used: .*0\.jpg"):
        load_records(tmp_path)


def test_a_picture_that_is_to_be_turned_has_the_size_that_is_seen(tmp_path):
    class_folders(tmp_path, {None: 1})
    turned = image(0, 7)
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(tmp_path / "blue" / "7.jpg", exif=exif)
    sizes = {r.image_id: (r.width, r.height) for r in load_records(tmp_path).records}
    assert sizes == {"blue/0.jpg": (40, 30), "blue/7.jpg": (30, 40), "red/0.jpg": (40, 30)}
