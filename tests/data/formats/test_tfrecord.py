"""The package's own shards with an index."""

import shutil

import pytest
import tensorflow as tf
from index_archive import read_archive, write_archive
from small_data import assert_same_everything, small_record_set

from keras_effspine.data.formats import tfrecord
from keras_effspine.data.formats.tfrecord import load_tfrecord, save_tfrecord, tfrecord_splits
from keras_effspine.data.images.image_bytes import read_image_bytes
from keras_effspine.data.loading import describe_records, load_records
from keras_effspine.errors import DataError


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return small_record_set(tmp_path_factory.mktemp("original"))


def save(record_set, folder):
    names = {"train": [record.path.name for record in record_set.records]}
    save_tfrecord({"train": record_set}, folder, names)
    return folder


@pytest.fixture
def saved(original, tmp_path):
    return save(original, tmp_path / "saved")


def change_head(folder, **changes):
    path = folder / "train.index.npz"
    head, arrays = read_archive(path)
    write_archive(path, {**head, **changes}, arrays)


def test_all_that_a_record_holds_comes_back_with_the_very_bytes_of_the_picture(original, saved):
    result = load_tfrecord(saved, "train")
    assert_same_everything(original, result)
    for one, other in zip(original.records, result.records, strict=True):
        assert read_image_bytes(other) == one.path.read_bytes()
        assert other.name == one.path.name


def test_records_are_made_when_asked_for_and_behave_as_a_sequence(saved):
    records = load_tfrecord(saved, "train").records
    assert not isinstance(records, tuple)
    assert [r.image_id for r in records[1:3]] == [101, 102]
    assert records[-1].image_id == 103
    assert records[1].masks[0:1] == (records[1].masks[0],)
    with pytest.raises(IndexError):
        records[4]


def test_the_folder_may_move(original, saved, tmp_path):
    moved = shutil.move(saved, tmp_path / "moved")
    assert_same_everything(original, load_records(moved))
    line = describe_records(load_records(moved))
    assert line == f"{moved}: TFRecord cache, 4 pictures of 3 classes, split train"


def test_full_shards_are_followed_by_others(original, tmp_path, monkeypatch):
    monkeypatch.setattr(tfrecord, "SHARD_BYTES", 1)
    folder = save(original, tmp_path)
    assert len(list(folder.glob("*.tfrecord"))) == 4
    for one, other in zip(original.records, load_records(folder).records, strict=True):
        assert read_image_bytes(other) == one.path.read_bytes()


def test_other_programs_read_the_shards_as_tensorflow_examples(original, saved):
    (shard,) = saved.glob("*.tfrecord")
    examples = [
        tf.train.Example.FromString(one.numpy()).features.feature
        for one in tf.data.TFRecordDataset(str(shard))
    ]
    assert len(examples) == 4
    assert examples[1]["image/object/class/text"].bytes_list.value[1].decode() == "dog ü"
    assert examples[1]["image/object/bbox/xmin"].float_list.value[0] == pytest.approx(2 / 40)


@pytest.mark.parametrize("kept", [0, 100, -1])
def test_a_shard_that_is_cut_short_is_found_at_once(saved, kept):
    (shard,) = saved.glob("*.tfrecord")
    shard.write_bytes(shard.read_bytes()[:kept])
    with pytest.raises(DataError, match=r"train-00000\.tfrecord: has \d+ bytes where .* cut short"):
        load_tfrecord(saved, "train")


def test_a_shard_that_is_missing_is_named(saved):
    next(saved.glob("*.tfrecord")).unlink()
    with pytest.raises(DataError, match=r"the shard .*train-00000\.tfrecord is missing"):
        load_tfrecord(saved, "train")


def test_an_index_of_another_version_is_refused(saved):
    change_head(saved, version=99)
    with pytest.raises(DataError, match="an index of version 99; this package reads version 3"):
        load_tfrecord(saved, "train")


@pytest.mark.parametrize("kept", [0, 50, 1000, -40])
def test_an_index_that_is_cut_short_is_refused(saved, kept):
    index = saved / "train.index.npz"
    index.write_bytes(index.read_bytes()[:kept])
    with pytest.raises(DataError, match=r"train\.index\.npz: no whole index"):
        load_tfrecord(saved, "train")


def test_an_index_that_climbs_out_of_its_folder_reads_no_other_file_as_complete(saved):
    change_head(saved, files=["../../etc/passwd"])
    with pytest.raises(DataError, match="passwd leaves the folder"):
        load_tfrecord(saved, "train")


def test_shards_without_an_index_are_no_data_set(original, saved):
    (saved / "train.index.npz").unlink()
    with pytest.raises(DataError, match="neither an index, .* writes last, nor a classes.txt"):
        load_records(saved)


def test_a_writer_that_fails_leaves_no_index(original, tmp_path, monkeypatch):
    def fail(*arguments):
        raise OSError("the disk is gone")

    monkeypatch.setattr(tfrecord, "read_image_bytes", fail)
    with pytest.raises(DataError, match="Image 100: cannot be read"):
        save(original, tmp_path)
    assert tfrecord_splits(tmp_path) == ()


def test_a_split_that_is_not_there_is_refused_with_those_that_are(saved):
    with pytest.raises(DataError, match="no split 'val'; there are: train"):
        load_records(saved, split="val")
