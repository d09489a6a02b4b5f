"""A step of RetinaNet on several replicas is the step of one replica on the whole batch."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

PROGRAM = pathlib.Path(__file__).with_name("retinanet_on_replicas.py")


@pytest.fixture(scope="module")
def steps():
    """Results with one replica and with four, whose pictures hold 3, 3, 1 and 0 boxes.

    With clipping, L2 and weight decay.
    """
    runs = [
        subprocess.Popen(
            [sys.executable, str(PROGRAM), replicas],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for replicas in ("1", "4")
    ]
    results = []
    for run in runs:
        output, errors = run.communicate()
        assert run.returncode == 0, errors[-4000:]
        results.append(json.loads(output.splitlines()[-1]))
    return results


def test_weights_move_by_the_same_step(steps):
    one, four = (np.array(step["update"], "float64") for step in steps)
    cosine = one @ four / np.linalg.norm(one) / np.linalg.norm(four)
    assert cosine > 0.99999
    assert np.linalg.norm(four) / np.linalg.norm(one) == pytest.approx(1.0, abs=1e-5)


def test_losses_are_those_of_the_whole_batch(steps):
    one, four = (step["history"] for step in steps)
    assert set(one) == set(four)
    for name in one:
        assert four[name] == pytest.approx(one[name], rel=1e-4), name
