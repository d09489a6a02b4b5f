"""Runs that are killed at any moment end as one that was left alone."""

import os
import pathlib
import random
import signal
import subprocess
import sys
import time
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_effspine
from keras_effspine.training.recipe_changes import override
from keras_effspine.training.steps_taken import steps_taken
from keras_effspine.training.train import train

pytestmark = pytest.mark.integration

PROGRAM = pathlib.Path(__file__).with_name("run_to_be_killed.py")
SUPPORT = pathlib.Path(__file__).parents[1] / "support"


def start(recipe, out):
    """The program, at the moment before it reads data and builds the model."""
    errors = out.with_suffix(".errors").open("w")
    run = subprocess.Popen(
        [sys.executable, str(PROGRAM), recipe.model_dump_json(), str(out)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(SUPPORT), *sys.path])},
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
    )
    assert run.stdout.readline() == "begins\n"
    return run


def killed_after(run, seconds):
    """Whether the program was still there to be killed."""
    try:
        run.wait(seconds)
    except subprocess.TimeoutExpired:
        run.send_signal(signal.SIGKILL)
    return run.wait() == -signal.SIGKILL


def state(file):
    """All that a `.keras` file says, but for the time of writing."""
    model = keras_effspine.load_model(file)
    variables = [*model.weights, *model.optimizer.variables]
    with zipfile.ZipFile(file) as archive:
        others = {
            name: archive.read(name)
            for name in archive.namelist()
            if not name.startswith(("metadata", "model.weights", "config"))
        }
    return [np.asarray(variable) for variable in variables], others


def curves(folder):
    """Names and steps of the points in each folder of TensorBoard's files, with repetitions."""
    points = {"training": [], "measured": []}
    for kind, found in points.items():
        for file in (folder / "tensorboard" / kind).iterdir():
            records = iter(tf.data.TFRecordDataset(str(file)))
            while True:
                try:
                    event = tf.compat.v1.Event.FromString(next(records).numpy())
                except (StopIteration, tf.errors.DataLossError):  # half written
                    break
                found += [(value.tag, event.step) for value in event.summary.value]
    return {kind: sorted(found) for kind, found in points.items()}


def assert_kills_change_nothing(recipe, folder, kills, seed):
    keras.backend.clear_session()
    whole, _ = train(recipe, folder / "whole", report=lambda line: None, verbose=0)
    moments = random.Random(seed)
    began = time.monotonic()
    longest = 6.0
    done = []
    while len(done) < kills:
        seconds = moments.uniform(0.0, longest)
        run = start(recipe, folder / "killed")
        if not killed_after(run, seconds):
            break
        step = 0
        if (folder / "killed" / "model.keras").exists():
            step = steps_taken(keras_effspine.load_model(folder / "killed", last=True))
        done.append((round(seconds, 2), step))
    else:
        (folder / "killed" / f".{'0' * 32}.part.keras").write_text("half")
        (folder / "killed" / f".{'0' * 32}.part.lock").write_text("")
        run = start(recipe, folder / "killed")
        assert run.wait() == 0, (folder / "killed.errors").read_text()[-4000:]
    print(f"seed {seed}: killed after (seconds, at step) {done}; {time.monotonic() - began:.0f} s")
    assert len(done) >= min(kills, 2), "the run is too short to be killed"

    killed = folder / "killed"
    for name in ("model.keras", "best.keras"):
        variables, others = state(whole.path / name)
        after, others_after = state(killed / name)
        for one, other in zip(variables, after, strict=True):
            np.testing.assert_array_equal(one, other, err_msg=f"{name}, killed at {done}")
        assert others == others_after, name
    for name in ("metrics.json", "predictions.json"):
        assert (killed / name).read_text() == (whole.path / name).read_text(), name
    assert curves(killed) == curves(whole.path)
    assert not [file.name for file in killed.iterdir() if ".part" in file.name]


@pytest.fixture
def long_recipe(counting_recipe):
    values = {"steps": 120, "evaluations": 8, "optimization.ema": 0.9, "optimization.accumulate": 4}
    return override(counting_recipe, values)


def test_a_run_that_is_killed_three_times_ends_as_one_that_was_left_alone(long_recipe, tmp_path):
    assert_kills_change_nothing(long_recipe, tmp_path, kills=3, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 5))
def test_a_run_that_is_killed_again_and_again_ends_as_one_that_was_left_alone(
    long_recipe, tmp_path, seed
):
    recipe = override(long_recipe, {"steps": 200, "evaluations": 10})
    assert_kills_change_nothing(recipe, tmp_path, kills=10, seed=seed)
