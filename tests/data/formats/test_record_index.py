"""The index of shards: checked whole when it is opened, whatever it holds."""

import dataclasses
import os
import shutil
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from index_archive import read_archive, write_archive
from mutations import mutated_bytes, mutated_json, outcome
from small_data import assert_same_everything, small_record_set

from keras_effspine.data.formats.record_index import read_index, write_index
from keras_effspine.data.record import Problem
from keras_effspine.errors import DataError

THOROUGH = settings(
    max_examples=int(os.environ.get("EFFSPINE_TEST_EXAMPLES", "150")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return small_record_set(tmp_path_factory.mktemp("set") / "images")


@pytest.fixture(scope="module")
def index(original):
    """Path of a good index; its folder is that of the pictures' folder."""
    path = original.records[0].path.parent.parent / "good.index.npz"
    write_index(path, original, path.parent)
    return path


@pytest.fixture(scope="module")
def archive(index):
    return read_archive(index)


def read(path):
    return read_index(path, path.parent, "test", None)


def read_all(path):
    """All records of an index, every part of them made."""
    record_set = read(path)
    for record in record_set.records:
        list(record.annotation_ids), list(record.masks), list(record.attributes)
        assert record.path.is_file()
        assert record.path.is_relative_to(path.parent)
        assert (record.classes < len(record_set.class_names)).all()
        assert np.isfinite(record.boxes).all()
    return record_set


def test_what_is_written_is_read(original, index):
    assert_same_everything(original, read_all(index))


def test_an_archive_made_again_of_its_parts_is_read(original, index, archive):
    write_archive(index.with_name("same.index.npz"), *archive)
    assert_same_everything(original, read_all(index.with_name("same.index.npz")))


@pytest.mark.parametrize("name", ["/etc/passwd", "../secret", "images/../../x", "C:\\x", "", "a\0"])
def test_an_index_names_no_file_outside_of_its_folder(index, archive, name):
    head, arrays = archive
    path = index.with_name("climbs.index.npz")
    write_archive(path, {**head, "files": [name, *head["files"][1:]]}, arrays)
    with pytest.raises(DataError, match=r"climbs\.index\.npz: no whole index \(.*leaves"):
        read(path)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("classes", 3, "classes: 3 is more than 2"),
        ("classes", -1, "classes: -1 is less than 0"),
        ("image_label", 3, "image_label: 3 is more than 2"),
        ("file_index", 4, "file_index: 4 is more than 3"),
        ("width", 0, "width: 0 is less than 1"),
        ("offset", -1, "offset: -1 is less than 0"),
        ("offset", 10**9, "a picture reaches beyond the end of its file"),
        ("length", 10**9, "a picture reaches beyond the end of its file"),
        ("object_ends", 5, "object_ends: the parts do not fill the 5"),
        ("boxes", np.nan, "boxes: nan is"),
        ("boxes", np.inf, "boxes: inf is more than"),
        ("boxes", -1, "boxes: one has no area"),
        ("areas", -1, "areas: -1.0 is less than 0"),
        ("names.ends", 99, "names.ends: the parts do not fill"),
    ],
)
def test_a_value_out_of_range_is_named(index, archive, name, value, message):
    head, arrays = archive
    changed = arrays[name].copy()
    changed[0] = value
    path = index.with_name("range.index.npz")
    write_archive(path, head, {**arrays, name: changed})
    with pytest.raises(DataError, match=message):
        read(path)


def test_an_array_of_another_type_is_named(index, archive):
    head, arrays = archive
    path = index.with_name("type.index.npz")
    write_archive(path, head, {**arrays, "classes": arrays["classes"].astype("float64")})
    with pytest.raises(DataError, match=r"classes: an array of float64 \(5,\), and must be int32"):
        read(path)


def test_a_change_without_its_checksum_is_found(index, archive):
    content = index.read_bytes()
    place = content.index(b'"class_names"') + 20
    path = index.with_name("changed.index.npz")
    path.write_bytes(content[:place] + b"x" + content[place + 1 :])
    with pytest.raises(DataError, match="no whole index"):
        read(path)


def test_values_that_are_no_json_are_found_when_they_are_asked_for(index, archive):
    head, arrays = archive
    path = index.with_name("json.index.npz")
    blob = arrays["masks.blob"].copy()
    blob[:] = ord("[")
    write_archive(path, head, {**arrays, "masks.blob": blob})
    with pytest.raises(DataError, match="where a value in JSON is due"):
        read_all(path)


def test_what_an_index_cannot_hold_is_refused_when_it_is_written(original, tmp_path):
    with pytest.raises(DataError, match="cannot be written"):
        write_index(tmp_path / "a.index.npz", original, tmp_path)
    assert os.listdir(tmp_path) == []


def test_problems_and_classes_of_any_characters_come_back(original, index):
    problems = (Problem("kind", "a.json, annotation 1", "dropped"),)
    names = ("a\udce4", "ü", "")
    path = index.with_name("names.index.npz")
    write_index(
        path, dataclasses.replace(original, class_names=names, problems=problems), path.parent
    )
    again = read(path)
    assert (again.class_names, again.problems) == (names, problems)


@THOROUGH
@given(data=st.data())
def test_whatever_bytes_come_are_the_records_or_one_error(original, index, data):
    path = index.with_name("bytes.index.npz")
    path.write_bytes(data.draw(mutated_bytes(index.read_bytes())))
    record_set = outcome(lambda: read_all(path))
    if record_set is not None:
        assert_same_everything(original, record_set)


@THOROUGH
@given(data=st.data())
def test_whatever_a_forged_head_says_is_a_data_set_or_one_error(index, archive, data):
    path = index.with_name("head.index.npz")
    head, arrays = archive
    write_archive(path, data.draw(mutated_json(head)), arrays)
    outcome(lambda: read_all(path))


@st.composite
def forged_arrays(draw, arrays):
    """Arrays of which some hold other values, or are of another type or shape, or missing."""
    arrays = dict(arrays)
    for _ in range(draw(st.integers(1, 2))):
        name = draw(st.sampled_from(sorted(arrays)))
        array = arrays[name].copy()
        change = draw(st.sampled_from(["value", "value", "type", "cut", "more", "remove", "shape"]))
        if change == "value" and array.size:
            values = st.integers(0, 5)
            if array.dtype == "float64":
                values = st.floats()
            elif array.dtype.kind in "iu":
                limits = np.iinfo(array.dtype)
                values |= st.integers(max(-(2**31), limits.min), min(2**31 - 1, limits.max))
            array.flat[draw(st.integers(0, array.size - 1))] = draw(values)
        elif change == "type" and array.dtype.kind != "S":  # text need not be a number
            kind = draw(st.sampled_from(["int8", "int64", "float32", "uint32", "S3", "c8", ">i4"]))
            with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
                array = array.astype(kind)
        elif change == "cut":
            array = array[: draw(st.integers(0, 3))]
        elif change == "more":
            array = np.concatenate([array, array])
        elif change == "shape":
            array = array.reshape(draw(st.sampled_from([(1, -1), (-1, 1)])))
        arrays[name] = array
        if change == "remove":
            del arrays[name]
    return arrays


@THOROUGH
@given(data=st.data())
def test_whatever_forged_arrays_hold_is_a_data_set_or_one_error(index, archive, data):
    path = index.with_name("arrays.index.npz")
    head, arrays = archive
    write_archive(path, head, data.draw(forged_arrays(arrays)))
    outcome(lambda: read_all(path))


def test_the_folder_may_move(original, index, tmp_path):
    moved = shutil.copytree(index.parent, tmp_path / "moved")
    assert_same_everything(original, read_all(moved / index.name))
