"""Devices by name."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from keras_effspine.errors import StrategyError
from keras_effspine.training.strategy import build_strategy, check_batch

pytestmark = pytest.mark.integration

PROGRAM = pathlib.Path(__file__).with_name("train_on_replicas.py")


@pytest.mark.parametrize("name", ["auto", "cpu", "mirrored"])
def test_a_machine_without_accelerators_trains_on_its_cpu(name):
    strategy = build_strategy(name)
    assert isinstance(strategy, tf.distribute.Strategy)
    assert strategy.num_replicas_in_sync == 1


@pytest.mark.parametrize("name", ["", "cuda", "cpu:1", "mirrored:2", "TPU", "tpux"])
def test_an_unknown_name_is_refused_with_those_that_there_are(name):
    with pytest.raises(StrategyError, match=r"There are: auto, cpu, .* tpu:NAME\."):
        build_strategy(name)


def test_a_gpu_that_is_not_there_is_one_clear_line():
    if tf.config.list_physical_devices("GPU"):
        pytest.skip("this machine has a GPU")
    with pytest.raises(StrategyError, match="TensorFlow sees no GPU here"):
        build_strategy("gpu")


class FourReplicas:
    num_replicas_in_sync = 4


@pytest.mark.parametrize(("batch", "near"), [(10, 8), (2, 4), (7, 8)])
def test_a_batch_that_cannot_be_cut_is_refused_with_one_that_can(batch, near):
    check_batch(8, FourReplicas)
    with pytest.raises(StrategyError, match=f"for 4 replicas; .* --batch-size {near}"):
        check_batch(batch, FourReplicas)


@pytest.fixture(scope="module")
def results(handful, tmp_path_factory):
    """What `train_on_replicas.py` says."""
    out = tmp_path_factory.mktemp("replicas")
    support = pathlib.Path(__file__).parents[1] / "support"
    run = subprocess.run(
        [sys.executable, str(PROGRAM), str(handful.file), str(handful.images), str(out)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(support), *sys.path])},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr[-4000:]
    return json.loads(run.stdout.splitlines()[-1])


def test_a_run_on_four_replicas_ends_as_one_on_a_single_device(results):
    """Batches are cut, gradients summed and clipped, predictions joined."""
    for name in ("weights", "predictions"):
        np.testing.assert_allclose(
            results["mirrored"][name], results["cpu"][name], rtol=1e-4, atol=1e-6
        )
    assert results["mirrored"]["replicas"] == 4
    assert results["mirrored"]["steps"] == results["cpu"]["steps"] == 6


def test_each_replica_predicts_its_part_of_a_batch(results):
    alone, together = results["prediction"]
    np.testing.assert_allclose(together["outputs"], alone["outputs"], rtol=1e-5)
    assert alone["parts"] == [3, 3]  # four pictures, the last batch padded
    assert together["parts"] == [1, 1, 1, 1]  # a batch of three becomes one of four
