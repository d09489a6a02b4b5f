"""TFRecords with a label for each picture."""

import numpy as np
import pytest
from small_classes import encoded, example, labelled_tfrecords, write_tfrecord

from keras_effspine.data.images.image_pixels import read_image
from keras_effspine.data.loading import load_records
from keras_effspine.data.record_columns import ColumnRecords
from keras_effspine.data.sources import find_source
from keras_effspine.errors import DataError


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EFFSPINE_CACHE", str(tmp_path / "cache"))


def test_pictures_stay_in_their_file_and_are_read_from_there(tmp_path):
    folder = labelled_tfrecords(tmp_path / "data")
    assert find_source(folder).splits == ("test", "train")
    first, again = load_records(folder), load_records(folder)
    assert isinstance(again.records, ColumnRecords)
    assert (first.class_names, first.source) == (again.class_names, again.source)
    for records in (first, again):
        assert [record.image_label for record in records.records] == [0, 1] * 6
        for record in records.records:
            colour = np.argmax(read_image(record).mean((0, 1)))
            assert colour == (2 if record.image_label == 0 else 0)


def test_another_file_of_the_same_name_is_read_anew(tmp_path):
    folder = labelled_tfrecords(tmp_path / "data")
    load_records(folder)
    write_tfrecord(folder / "train.tfrecord", [example(encoded(1, 0), 1)])
    assert [record.image_label for record in load_records(folder).records] == [1]


def test_several_files_make_one_split(tmp_path):
    folder = labelled_tfrecords(tmp_path / "data", {"train-00000-of-00002": 1, "train-00001": 2})
    records = load_records(folder).records
    assert [record.image_id for record in records] == list(range(6))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda: example(encoded(0, 0), 2), r"bad\.tfrecord, record 0: the label 2 is none of the"),
        (lambda: example(encoded(0, 0), -1), r"record 0: the label -1 is none of the 2 classes"),
        (lambda: b"\xff\xff\xff", r"bad\.tfrecord, record 0: is no tf\.train\.Example"),
        (lambda: b"", r"record 0: needs one encoded picture in 'image' and one whole number"),
    ],
)
def test_an_example_that_cannot_be_used_is_named(tmp_path, content, message):
    folder = labelled_tfrecords(tmp_path / "data", {})
    write_tfrecord(folder / "bad.tfrecord", [content()])
    with pytest.raises(DataError, match=message):
        load_records(folder)


def test_broken_pictures_are_skipped_and_too_many_refused(tmp_path):
    folder = labelled_tfrecords(tmp_path / "data", {})
    good = [example(encoded(0, index), 0) for index in range(19)]
    write_tfrecord(folder / "some.tfrecord", [example(b"nothing", 0), *good])
    write_tfrecord(folder / "many.tfrecord", [example(b"nothing", 0)] * 3 + good)
    records = load_records(folder, split="some")
    assert len(records.records) == 19
    assert records.problems[0].where.endswith("some.tfrecord, record 0")
    with pytest.raises(DataError, match=r"3 of the 22 pictures .*many\.tfrecord, record 0"):
        load_records(folder, split="many")


def test_a_file_that_is_cut_short_is_named(tmp_path):
    folder = labelled_tfrecords(tmp_path / "data")
    whole = (folder / "train.tfrecord").read_bytes()
    (folder / "train.tfrecord").write_bytes(whole[:-10])
    with pytest.raises(DataError, match=r"train\.tfrecord: the shard is cut short"):
        load_records(folder)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("\n\n", r"classes\.txt: names no class"),
        ("a\nb\na\n", r"classes\.txt: the class 'a' is named twice"),
        (None, r"neither an index, .* nor a classes\.txt"),
    ],
)
def test_classes_that_are_missing_or_not_clear_are_refused(tmp_path, names, message):
    folder = labelled_tfrecords(tmp_path / "data")
    (folder / "classes.txt").unlink()
    if names is not None:
        (folder / "classes.txt").write_text(names)
    with pytest.raises(DataError, match=message):
        load_records(folder)


@pytest.mark.real_data
def test_cifar10_is_read(real_data):
    records = load_records(real_data / "cifar10", split="test")
    labels = [record.image_label for record in records.records]
    assert np.bincount(labels).tolist() == [1000] * 10
    assert records.class_names[0] == "airplane"
