"""Points of curves in TensorBoard's files."""

import pytest
from full_disk import full_disk

from keras_effspine.errors import RunFolderError
from keras_effspine.training.curve_file import CurveFile


def test_a_disk_that_is_full_from_the_start_is_one_line_that_names_the_folder(tmp_path):
    with pytest.raises(RunFolderError, match="measured: cannot be written") as raised:
        with full_disk(most=10):
            CurveFile(tmp_path / "measured")
    assert len(str(raised.value).splitlines()) == 1
    assert len(str(raised.value)) < 500


def test_a_disk_that_becomes_full_is_one_line(tmp_path):
    curves = CurveFile(tmp_path / "measured")
    with pytest.raises(RunFolderError, match="measured: cannot be written") as raised:
        with full_disk(most=200):
            for step in range(1000):
                curves.scalar("loss", 1.0, step)
                curves.flush()
    assert len(str(raised.value).splitlines()) == 1


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(RunFolderError, match="measured: cannot be written") as raised:
        CurveFile(tmp_path / "file" / "measured")
    assert len(str(raised.value).splitlines()) == 1
