"""Records kept as columns."""

import numpy as np
import pytest
from small_data import assert_same_everything, small_record_set

from keras_effspine.data.class_alignment import align_classes
from keras_effspine.data.formats.record_index import read_index, write_columns, write_index
from keras_effspine.data.record import RecordSet
from keras_effspine.data.record_columns import ColumnRecords, RecordColumns, object_arrays
from keras_effspine.data.texts import Texts


@pytest.mark.parametrize("strings", [[], [""], ["a", "", "ü", "\udce4", "b" * 1000]])
def test_texts_hold_any_string(strings):
    assert list(Texts.of(strings)) == strings


def test_objects_of_columns_are_those_of_the_records(tmp_path):
    records = small_record_set(tmp_path).records
    columns = ColumnRecords(RecordColumns.of(records))
    for one, other in zip(object_arrays(records), object_arrays(columns), strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


def test_classes_of_columns_are_aligned_without_making_records(tmp_path):
    record_set = small_record_set(tmp_path / "in")
    write_index(tmp_path / "a.index.npz", record_set, tmp_path)
    columns = read_index(tmp_path / "a.index.npz", tmp_path, "test", None)
    names = ["mug", *record_set.class_names[:2]]
    aligned = align_classes(columns, names)
    assert isinstance(aligned.records, ColumnRecords)
    assert_same_everything(align_classes(record_set, names), aligned)
    assert aligned.records[1].classes.tolist() == [1, 2]


def test_no_records_are_columns_as_well():
    assert len(ColumnRecords(RecordColumns.of([]))) == 0


def test_a_hundred_thousand_records_are_read_without_being_made(tmp_path, monkeypatch):
    count, objects = 100_000, 700_000
    shard = tmp_path / "a.tfrecord"
    shard.write_bytes(bytes(2 * count))
    numbers, nothing = np.arange(count), Texts(np.zeros(0, "uint8"), np.zeros(objects, "int64"))
    columns = RecordColumns(
        files=[shard],
        file_index=np.zeros(count, "int32"),
        offset=numbers,
        length=numbers,
        width=np.full(count, 640, "int32"),
        height=np.full(count, 480, "int32"),
        image_label=np.full(count, -1, "int32"),
        image_ids=Texts.of([str(number) for number in numbers]),
        names=Texts.of([f"{number}.jpg" for number in numbers]),
        object_ends=(numbers + 1) * 7,
        boxes=np.tile(np.arange(1, objects + 1, dtype="float64")[:, None], 4),
        classes=np.zeros(objects, "int32"),
        areas=np.ones(objects),
        is_crowd=np.zeros(objects, bool),
        annotation_ids=nothing,
        masks=nothing,
        attributes=nothing,
    )
    write_columns(tmp_path / "a.index.npz", columns, RecordSet((), ("a",), (0,), ""), tmp_path)
    monkeypatch.setattr("keras_effspine.data.record_columns.Record", lambda **fields: fields)
    records = read_index(tmp_path / "a.index.npz", tmp_path, "test", None).records
    assert len(records) == count
    record = records[77_777]
    assert (record["image_id"], record["name"]) == (77_777, "77777.jpg")
    assert record["boxes"][:, 0].tolist() == list(range(7 * 77_777 + 1, 7 * 77_778 + 1))
