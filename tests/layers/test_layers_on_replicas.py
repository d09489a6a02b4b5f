"""Layers that train on several replicas in sync."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from keras_effspine.layers.replicas import has_replicas, sum_over_replicas

pytestmark = pytest.mark.integration

PROGRAM = pathlib.Path(__file__).with_name("layers_on_replicas.py")


@pytest.fixture(scope="module")
def replicas():
    done = subprocess.run([sys.executable, str(PROGRAM)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_normalisation_on_replicas_is_that_of_the_whole_batch(replicas):
    result = replicas["batch_normalization"]
    assert result["output_error"] < 1e-5
    assert result["gradient_error"] < 1e-5
    for name, expected in result["whole_batch"].items():
        np.testing.assert_allclose(result["replicas"][name], expected, rtol=1e-5, err_msg=name)


def test_each_replica_drops_other_branches_in_each_step(replicas):
    masks = [tuple(mask) for step in replicas["dropped"] for mask in step]
    assert len(set(masks)) == len(masks) == 8
    assert all(0 < sum(mask) < 32 for mask in masks)


def test_with_the_seeds_of_keras_all_replicas_would_drop_the_same_branches(replicas):
    """The defect that `ReplicaSeedGenerator` is there for; without it, it can go."""
    for step in replicas["dropped_with_keras_seeds"]:
        assert len({tuple(mask) for mask in step}) == 1


def test_a_sum_over_replicas_is_the_same_on_each(replicas):
    assert replicas["sums"]["totals"] == [15.0] * 4
    assert all(replicas["sums"]["has_replicas"]) and not replicas["sums"]["outside"]


def test_without_a_strategy_there_is_one_replica():
    assert not has_replicas()
    assert sum_over_replicas(3.0) == 3.0
