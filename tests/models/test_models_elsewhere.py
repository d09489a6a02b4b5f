"""Task models on several replicas, in several processes, and with Keras on JAX."""

import importlib.util
import json
import os
import pathlib
import socket
import subprocess
import sys

import keras
import numpy as np
import pytest
from model_cases import CASES, IMAGES, EachLayer

pytestmark = pytest.mark.integration

HERE = pathlib.Path(__file__).parent
SUPPORT = str(HERE.parent / "support")


def started(program, *arguments, **environment):
    path = os.pathsep.join([SUPPORT, os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, str(HERE / program), *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": path, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def result_of(run):
    output, errors = run.communicate()
    assert run.returncode == 0, errors[-4000:]
    return json.loads(output.splitlines()[-1])


@pytest.fixture(scope="module")
def steps(tmp_path_factory):
    """Results with one replica, with four, and of two processes, which train the detector alone."""
    folder = tmp_path_factory.mktemp("presets")
    for name, case in CASES.items():
        # Without layers in the heads: synchronised normalisation is slow, and tested by itself.
        changes = {"head_layers": 0} if "head_layers" in case.arguments else {}
        case.build(**changes).save_to_preset(folder / name)
    with socket.socket() as one, socket.socket() as other:
        addresses = []
        for free in (one, other):
            free.bind(("127.0.0.1", 0))
            addresses.append(f"127.0.0.1:{free.getsockname()[1]}")
    workers = [
        {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        for index in range(2)
    ]
    runs = [
        started("models_on_replicas.py", 1, folder, *CASES),
        started("models_on_replicas.py", 4, folder, *CASES),
        *(
            started("models_on_replicas.py", 1, folder, "detection", TF_CONFIG=json.dumps(worker))
            for worker in workers
        ),
    ]
    names = ("one", "four", "worker 0", "worker 1")
    return dict(zip(names, map(result_of, runs), strict=True))


PAIRS = [*((name, "four") for name in CASES), ("detection", "worker 0"), ("detection", "worker 1")]


@pytest.mark.parametrize(("name", "other"), PAIRS)
def test_a_step_on_several_replicas_is_that_of_one_on_the_whole_batch(steps, name, other):
    """With clipping, L2 and weight decay; the pictures hold unequally much, the last nothing."""
    one, many = (np.array(steps[key][name]["update"], "float64") for key in ("one", other))
    assert one @ many / np.linalg.norm(one) / np.linalg.norm(many) > 0.99999
    assert np.linalg.norm(many) / np.linalg.norm(one) == pytest.approx(1.0, abs=1e-5)
    one, many = (steps[key][name]["history"] for key in ("one", other))
    assert set(one) == set(many)
    for measure in one:
        assert many[measure] == pytest.approx(one[measure], rel=1e-4), measure


@pytest.mark.parametrize("name", CASES)
def test_every_replica_starts_from_exactly_the_presets_weights(steps, name):
    for key, replicas in (("one", 1), ("four", 4)):
        step = steps[key][name]
        assert (step["replicas"], step["loaded"], step["with_other_classes"]) == (replicas, 0, 0)


@pytest.fixture(scope="module")
def on_jax(tmp_path_factory):
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed (pip install jax)")
    folder = tmp_path_factory.mktemp("jax")
    for name, case in CASES.items():
        model = case.build(**({"backbone": EachLayer()} if name == "detection" else {}))
        case.compiled(model).save(folder / f"{name}.keras")
        outputs = keras.tree.flatten(model(IMAGES))
        np.savez(folder / f"{name}.npz", *map(np.asarray, outputs))
    result = result_of(started("models_on_jax.py", folder))
    assert result["backend"] == "jax"
    return result


@pytest.mark.parametrize("name", CASES)
def test_a_file_of_tensorflow_computes_the_same_on_jax_and_trains_there(on_jax, name):
    result = on_jax[name]
    assert result["forward"] < 1e-4
    assert np.isfinite(result["loss"]).all() and result["loss"][-1] < result["loss"][0]
    assert np.isfinite(list(result["evaluated"].values())).all()
    assert result["after_loading"] < 1e-4
    assert result["steps_after_loading"] == 4


def test_predictions_have_on_jax_the_shapes_that_they_have_on_tensorflow(on_jax):
    assert on_jax["detection"]["shapes"] == [[4, 100, 4], [4, 100], [4, 100], [4]]
    assert on_jax["classification"]["shapes"] == [[4, 3]]
    assert on_jax["segmentation"]["shapes"] == [[4, 64, 64, 3]]
    shapes = on_jax["instances"]["shapes"]
    assert shapes == [[4, 100, 4], [4, 100], [4, 100], [4, 100, 28, 28], [4]]
