"""A step of RetinaNet on several replicas is the step of one replica on the whole batch."""

import json
import os
import pathlib
import socket
import subprocess
import sys

import numpy as np
import pytest

PROGRAM = pathlib.Path(__file__).with_name("retinanet_on_replicas.py")


@pytest.fixture(scope="module")
def steps():
    """Results with one replica, four, and two processes; pictures hold 3, 3, 1 and 0 boxes.

    With clipping, L2 and weight decay.
    """
    with socket.socket() as one, socket.socket() as other:
        addresses = []
        for free in (one, other):
            free.bind(("127.0.0.1", 0))
            addresses.append(f"127.0.0.1:{free.getsockname()[1]}")
    clusters = [
        {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        for index in range(2)
    ]
    environments = [{"TF_CONFIG": json.dumps(cluster)} for cluster in clusters]
    runs = [
        subprocess.Popen(
            [sys.executable, str(PROGRAM), replicas],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for replicas, environment in zip("1411", [{}, {}, *environments], strict=True)
    ]
    results = []
    for run in runs:
        output, errors = run.communicate()
        assert run.returncode == 0, errors[-4000:]
        results.append(json.loads(output.splitlines()[-1]))
    return results


@pytest.mark.parametrize("other", [1, 2, 3], ids=["replicas", "worker 0", "worker 1"])
def test_weights_move_by_the_same_step(steps, other):
    one, many = (np.array(steps[i]["update"], "float64") for i in (0, other))
    cosine = one @ many / np.linalg.norm(one) / np.linalg.norm(many)
    assert cosine > 0.99999
    assert np.linalg.norm(many) / np.linalg.norm(one) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("other", [1, 2, 3], ids=["replicas", "worker 0", "worker 1"])
def test_losses_are_those_of_the_whole_batch(steps, other):
    one, many = (steps[i]["history"] for i in (0, other))
    assert set(one) == set(many)
    for name in one:
        assert many[name] == pytest.approx(one[name], rel=1e-4), name
