"""RetinaNet trains, predicts, saves and loads with Keras on JAX, which is no dependency."""

import importlib.util
import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

PROGRAM = pathlib.Path(__file__).with_name("retinanet_on_jax.py")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed (pip install jax)")
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(tmp_path_factory.mktemp("jax"))],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["backend"] == "jax"
    return result


def test_the_loss_of_a_fixed_batch_falls(run):
    assert np.isfinite(run["loss"]).all()
    assert run["loss"][-1] < run["loss"][0]


def test_it_evaluates(run):
    assert set(run["evaluated"]) == {"loss", "box_loss", "classification_loss", "boxes_matched"}
    assert np.isfinite(list(run["evaluated"].values())).all()


def test_it_predicts_detections_as_on_tensorflow(run):
    assert run["shapes"] == {
        "boxes": [2, 100, 4],
        "confidence": [2, 100],
        "classes": [2, 100],
        "num_detections": [2],
    }
    assert all(0 < count <= 100 for count in run["detections"])


def test_a_loaded_detector_predicts_the_same_with_its_optimizers_state(run):
    assert run["difference_after_loading"] < 1e-4
    assert run["steps_after_loading"] == 4
