"""A step of SemanticSegmenter on several replicas is that of one replica on the whole batch."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

PROGRAM = pathlib.Path(__file__).with_name("segmenter_on_replicas.py")


@pytest.fixture(scope="module")
def steps():
    """Results with one replica and with four, whose pictures have 32, 20, 3 and 0 labelled rows."""
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


def test_the_loss_is_that_of_the_whole_batch(steps):
    one, four = (step["history"]["loss"] for step in steps)
    assert four == pytest.approx(one, rel=1e-4)
