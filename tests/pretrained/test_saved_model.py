"""Loading what was saved."""

import pathlib
import shutil
import subprocess
import sys

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


@pytest.mark.integration
def test_a_new_process_loads_a_model_compiled_as_it_was(tmp_path, small_eff_spinenet):
    from keras_effspine import ImageClassifier
    from keras_effspine.models.class_weighted_loss import ClassWeightedCrossentropy
    from keras_effspine.optimizers import AdamW

    model = ImageClassifier(small_eff_spinenet(), num_classes=2)
    model.compile(AdamW(0.01), ClassWeightedCrossentropy((1.0, 2.0)))
    model.save(tmp_path / "model.keras")
    program = (
        "import keras_effspine, sys; model = keras_effspine.load_model(sys.argv[1]);"
        "print(type(model.optimizer).__module__, model.loss.class_weights)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "model.keras"],
        capture_output=True,
        text=True,
        check=False,
    )
    expected = "keras_effspine.optimizers.replica_safe (1.0, 2.0)\n"
    assert (ended.stdout, ended.returncode) == (expected, 0), ended.stderr[-1000:]
