"""Finding and opening checkpoints."""

import numpy as np
import pytest

from keras_effspine.checkpoints.checkpoint_file import CheckpointFile
from keras_effspine.errors import CheckpointError


@pytest.fixture
def prefix(write_names):
    return write_names({"a/kernel": np.arange(6, dtype="float32").reshape(2, 3), "step": 7})


@pytest.mark.parametrize("name", ["written", "written.index", "written.data-00000-of-00001", "."])
def test_it_is_found_by_its_prefix_by_one_of_its_files_and_by_its_folder(prefix, name):
    file = CheckpointFile(prefix.parent / name)
    assert file.prefix == prefix
    assert file.shapes() == {"a/kernel": (2, 3), "step": ()}
    np.testing.assert_array_equal(file.read_finite("a/kernel"), [[0, 1, 2], [3, 4, 5]])


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"model.ckpt: no such checkpoint; .*ckpt.index"):
        CheckpointFile(tmp_path / "model.ckpt")
    with pytest.raises(CheckpointError, match=r"holds 0 checkpoints \(none\)"):
        CheckpointFile(tmp_path)


def test_of_several_in_a_folder_one_must_be_named(prefix, write_names):
    write_names({"step": 8}, "ckpt-8")
    with pytest.raises(CheckpointError, match=r"holds 2 checkpoints \(ckpt-8, written\)"):
        CheckpointFile(prefix.parent)


def test_values_that_were_cut_short_are_refused(prefix):
    data = prefix.with_name("written.data-00000-of-00001")
    data.write_bytes(data.read_bytes()[:10])
    file = CheckpointFile(prefix)
    with pytest.raises(CheckpointError, match=r"written: is no whole checkpoint .*fetch it again"):
        file.read_finite("a/kernel")


@pytest.mark.parametrize("kept", [0, 20, -30])
def test_an_index_that_was_cut_short_is_refused(prefix, kept):
    index = prefix.with_name("written.index")
    index.write_bytes(index.read_bytes()[:kept])
    with pytest.raises(CheckpointError, match="written: is no whole checkpoint of TensorFlow"):
        CheckpointFile(prefix).shapes()


def test_another_file_is_refused(tmp_path):
    (tmp_path / "photo.index").write_bytes(b"\x89PNG" * 100)
    with pytest.raises(CheckpointError, match="photo: is no whole checkpoint of TensorFlow"):
        CheckpointFile(tmp_path / "photo").shapes()


def test_values_that_are_not_finite_are_refused(write_names):
    file = CheckpointFile(write_names({"a/kernel": np.array([1.0, np.nan], "float32")}))
    with pytest.raises(CheckpointError, match="a/kernel holds values that are no finite numbers"):
        file.read_finite("a/kernel")
