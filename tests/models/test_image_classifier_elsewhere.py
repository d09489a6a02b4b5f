"""ImageClassifier on several replicas, and with Keras on JAX, each in programs of its own."""

import importlib.util
import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

HERE = pathlib.Path(__file__).parent


def started(program, argument):
    return subprocess.Popen(
        [sys.executable, str(HERE / program), str(argument)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def result_of(run):
    output, errors = run.communicate()
    assert run.returncode == 0, errors[-4000:]
    return json.loads(output.splitlines()[-1])


def test_a_step_on_four_replicas_is_the_step_of_one():
    runs = [started("image_classifier_on_replicas.py", replicas) for replicas in (1, 4)]
    one, four = (result_of(run) for run in runs)
    np.testing.assert_allclose(four["update"], one["update"], rtol=1e-3, atol=1e-6)
    assert np.abs(one["update"]).max() > 1e-3
    for name, values in one["history"].items():
        assert four["history"][name] == pytest.approx(values, rel=1e-4), name


def test_it_trains_and_is_loaded_with_keras_on_jax(tmp_path):
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed (pip install jax)")
    result = result_of(started("image_classifier_on_jax.py", tmp_path))
    assert result["backend"] == "jax"
    assert result["loss"][-1] < result["loss"][0]
    np.testing.assert_allclose(result["sums"], 1.0, rtol=1e-5)
    assert result["difference_after_loading"] < 1e-5
    assert result["steps_after_loading"] == 8
