"""SemanticSegmenter trains, predicts, saves and loads with Keras on JAX, which is no dependency."""

import importlib.util
import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

PROGRAM = pathlib.Path(__file__).with_name("segmenter_on_jax.py")


def test_it_works_on_jax(tmp_path):
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed (pip install jax)")
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(tmp_path)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-4000:]
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["backend"] == "jax"
    assert np.isfinite(result["loss"]).all() and result["loss"][-1] < result["loss"][0]
    assert result["shape"] == [2, 60, 44, 3]
    assert result["difference"] < 1e-5
    assert result["steps_after_loading"] == 6
