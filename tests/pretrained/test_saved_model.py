"""Loading what was saved."""

import pathlib
import shutil

import numpy as np
import pytest

from keras_effspine import RetinaNet, load_model
from keras_effspine.errors import RunFolderError


@pytest.fixture(scope="module")
def saved(tmp_path_factory, tiny_detector):
    path = tmp_path_factory.mktemp("run") / "model.keras"
    tiny_detector().save(path)
    return path


@pytest.mark.parametrize("as_path", [str, pathlib.Path])
def test_a_file_and_its_folder_load_the_same_model(saved, as_path):
    for path in (saved, saved.parent):
        assert isinstance(load_model(as_path(path)), RetinaNet)


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(RunFolderError, match="nothing.keras: no such file"):
        load_model(tmp_path / "nothing.keras")
    with pytest.raises(RunFolderError, match="model.keras: no such file"):
        load_model(tmp_path)


def test_a_run_is_its_best_model_unless_the_last_is_asked_for(saved, tmp_path, tiny_detector):
    run = tmp_path / "run"
    run.mkdir()
    shutil.copy(saved, run / "model.keras")
    best = tiny_detector(seed=5)
    best.save(run / "best.keras")
    last = load_model(saved)

    def same(one, other):
        return all(map(np.array_equal, one.get_weights(), other.get_weights()))

    assert same(load_model(run), best) and not same(load_model(run), last)
    assert same(load_model(run, last=True), last)
    (run / "model.keras").unlink()
    assert same(load_model(run), best)
    with pytest.raises(RunFolderError, match="model.keras: no such file"):
        load_model(run, last=True)
