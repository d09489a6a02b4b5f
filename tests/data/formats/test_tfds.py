"""Prepared data sets of TensorFlow Datasets, built here without a network."""

import numpy as np
import pytest
from small_tfds import NoObjects, SmallCoco, SmallLabelled, SmallVoc

from keras_effspine.data.formats.tfds import load_tfds
from keras_effspine.data.images.image_bytes import open_image
from keras_effspine.data.loading import describe_records, load_records
from keras_effspine.data.record_columns import ColumnRecords
from keras_effspine.data.sources import find_source
from keras_effspine.errors import DataError


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """The folder in which all four data sets are prepared."""
    folder = tmp_path_factory.mktemp("tfds")
    for builder in (SmallCoco, SmallVoc, SmallLabelled, NoObjects):
        builder(data_dir=folder).download_and_prepare()
    return folder


@pytest.fixture(autouse=True)
def places(prepared, tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(prepared))
    monkeypatch.setenv("EFFSPINE_CACHE", str(tmp_path / "cache"))


def test_a_data_set_with_the_features_of_coco_becomes_records():
    result = load_records("tfds:small_coco")
    assert result.class_names == ("a", "b ü")
    by_id = {record.image_id: record for record in result.records}
    assert sorted(by_id) == [500, 501, 502]
    record = by_id[502]
    np.testing.assert_allclose(record.boxes, [[4, 5, 20, 10]] * 2, atol=1e-4)
    assert record.is_crowd.tolist() == [False, True]
    assert record.areas.tolist() == [77, 77]
    assert list(record.annotation_ids) == [20, 21]
    assert record.name == "32.jpg"
    with open_image(record) as image:
        assert image.size == (record.width, record.height) == (40, 20)
        assert abs(image.convert("L").getpixel((5, 5)) - 160) < 3


def test_a_data_set_with_the_features_of_voc_becomes_records():
    result = load_records("tfds:small_voc")
    by_id = {record.image_id: record for record in result.records}
    assert sorted(by_id) == ["30", "31", "32"]
    assert by_id["31"].is_crowd.tolist() == [True]
    assert dict(by_id["31"].attributes[0]) == {
        "difficult": True,
        "truncated": True,
        "pose": "left",
    }
    assert by_id["32"].areas.tolist() == pytest.approx([200], abs=0.01)


def test_a_data_set_with_labels_of_whole_pictures_becomes_records():
    for _ in range(2):  # from the shards, and from the index
        result = load_records("tfds:small_labelled")
        assert result.class_names == ("a", "b ü")
        for record in result.records:
            with open_image(record) as image:
                assert image.size == (record.width, record.height) == (40, 20)
                index = image.getpixel((0, 0))[0] // 80
            assert record.image_label == index % 2
        assert len({record.image_id for record in result.records}) == 3
    assert isinstance(result.records, ColumnRecords)


def test_val_means_the_validation_split(prepared):
    assert find_source("tfds:small_coco").validation_split == "validation"
    assert len(load_tfds("small_coco", "val").records) == 2


def test_the_folder_of_a_prepared_data_set_is_recognised(prepared):
    folder = prepared / "small_voc" / "1.0.0"
    line = describe_records(load_records(folder, split="validation"))
    assert line == f"{folder}: TFDS data set, 2 pictures of 2 classes, split validation"


def test_the_second_time_only_the_index_is_read(monkeypatch):
    first = load_records("tfds:small_coco")
    monkeypatch.setattr("keras_effspine.data.formats.tfds._scan", None)
    again = load_records("tfds:small_coco")
    assert isinstance(again.records, ColumnRecords)
    assert [r.image_id for r in again.records] == [r.image_id for r in first.records]
    assert [r.offset for r in again.records] == [r.offset for r in first.records]


@pytest.mark.parametrize("name", ["nowhere", "nowhere/2017", "coco/2017"])
def test_a_data_set_that_is_not_prepared_is_refused_with_those_that_are(name):
    with pytest.raises(DataError, match=f"tfds:{name}: no data set .* there are: .*small_coco"):
        load_records(f"tfds:{name}")


@pytest.mark.parametrize("name", ["", "gs://bucket/x", "huggingface:x", "../x", "a b"])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(DataError, match="not a name such as tfds:coco/2017"):
        load_records(f"tfds:{name}")


def test_a_data_set_without_objects_is_refused():
    with pytest.raises(DataError, match="has image, image/filename"):
        load_records("tfds:no_objects")


def test_a_split_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(DataError, match="no split 'test'; there are: train, validation"):
        load_records("tfds:small_coco", split="test")


@pytest.mark.parametrize("cut", [1, 200])
def test_a_shard_that_is_cut_short_is_refused(tmp_path, cut):
    SmallCoco(data_dir=tmp_path).download_and_prepare()
    folder = tmp_path / "small_coco" / "1.0.0"
    shard = next(folder.glob("*train*"))
    shard.write_bytes(shard.read_bytes()[:-cut])
    with pytest.raises(DataError, match="the shard is cut short"):
        load_records(folder)


def test_an_unreadable_description_is_refused(tmp_path):
    (tmp_path / "dataset_info.json").write_text("{")
    with pytest.raises(DataError, match="no readable TFDS data set"):
        load_records(tmp_path)
