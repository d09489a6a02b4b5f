"""Checks of the image files, and the words for what was found."""

import numpy as np
import pytest
from PIL import Image

from keras_effspine.data.checks import check_images, describe_problems
from keras_effspine.data.record import Problem, Record, RecordSet
from keras_effspine.errors import DataError


def record_set_of(folder, count):
    """Writes `count` pictures and returns their records."""
    records = []
    for index in range(count):
        path = folder / f"{index}.png"
        Image.new("RGB", (20, 10)).save(path)
        nothing = np.zeros(0)
        records.append(
            Record(
                image_id=100 + index,
                path=path,
                width=20,
                height=10,
                boxes=np.zeros((0, 4)),
                classes=nothing.astype("int64"),
                areas=nothing,
                is_crowd=nothing.astype("bool"),
            )
        )
    old = (Problem("box without area", "train.json, annotation 1", "dropped"),)
    return RecordSet(tuple(records), ("a",), (1,), "train.json", old)


def remove(path):
    path.unlink()


def cut_short(path):
    path.write_bytes(path.read_bytes()[:10])


def resize(path):
    Image.new("RGB", (10, 20)).save(path)


def replace_by_folder(path):
    path.unlink()
    path.mkdir()


def test_good_pictures_all_stay(tmp_path):
    before = record_set_of(tmp_path, 5)
    after = check_images(before)
    assert after.records == before.records
    assert after.problems == before.problems


@pytest.mark.parametrize(
    ("harm", "kind"),
    [
        (remove, "image file missing"),
        (replace_by_folder, "image file missing"),
        (cut_short, "image header unreadable"),
        (resize, "image size differs from its annotation"),
    ],
)
def test_a_picture_that_cannot_be_used_is_skipped_and_named(tmp_path, harm, kind):
    before = record_set_of(tmp_path, 10)
    harm(before.records[4].path)
    after = check_images(before)
    assert [record.image_id for record in after.records] == [100, 101, 102, 103, *range(105, 110)]
    old, new = after.problems
    assert old == before.problems[0]
    assert (new.kind, new.action) == (kind, "skipped")
    assert str(before.records[4].path) in new.where
    assert "image 104" in new.where


def test_sizes_that_differ_are_both_named(tmp_path):
    before = record_set_of(tmp_path, 10)
    resize(before.records[0].path)
    assert "10x20 instead of 20x10" in check_images(before).problems[-1].where


def test_a_picture_that_declares_an_absurd_size_is_skipped(tmp_path, monkeypatch):
    before = record_set_of(tmp_path, 10)
    Image.new("RGB", (50, 50)).save(before.records[0].path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert check_images(before).problems[-1].kind == "image header unreadable"


def test_more_than_a_tenth_of_bad_pictures_is_an_error_that_names_three(tmp_path):
    record_set = record_set_of(tmp_path, 20)
    for record in record_set.records[:2]:
        remove(record.path)
    assert len(check_images(record_set).records) == 18
    for record in record_set.records[2:4]:
        remove(record.path)
    with pytest.raises(DataError, match=r"4 of the 20 pictures of train\.json") as raised:
        check_images(record_set)
    message = str(raised.value)
    assert all(f"image {number}" in message for number in (100, 101, 102))
    assert "image 103" not in message


def test_no_picture_left_is_an_error(tmp_path):
    record_set = record_set_of(tmp_path, 1)
    remove(record_set.records[0].path)
    with pytest.raises(DataError, match="1 of the 1 pictures"):
        check_images(record_set)


def test_a_data_set_without_pictures_is_an_error(tmp_path):
    with pytest.raises(DataError, match="lists no pictures"):
        check_images(record_set_of(tmp_path, 0))


def test_problems_are_counted_by_kind_and_three_are_named():
    def dropped(number):
        return Problem("box without area", f"train.json, annotation {number}", "dropped")

    clipped = Problem("box reaches out of its image", "train.json, annotation 3", "clipped")
    skipped = [Problem("image file missing", f"{n}.png, image {n}", "skipped") for n in (1, 2)]
    problems = (dropped(17), clipped, dropped(23), *skipped, dropped(29), dropped(31))
    assert describe_problems(RecordSet((), (), (), "train.json", problems)) == [
        "4 annotations dropped: box without area (train.json, annotation 17; "
        "train.json, annotation 23; train.json, annotation 29; ...)",
        "1 annotation clipped: box reaches out of its image (train.json, annotation 3)",
        "2 pictures skipped: image file missing (1.png, image 1; 2.png, image 2)",
    ]


def test_without_problems_there_is_nothing_to_say():
    assert describe_problems(RecordSet((), (), (), "train.json")) == []
