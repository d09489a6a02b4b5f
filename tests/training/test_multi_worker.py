"""Several processes that train together, over loopback."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import types

import numpy as np
import pytest
import tensorflow as tf

import keras_effspine
from keras_effspine.errors import StrategyError
from keras_effspine.training.multi_worker import (
    Cluster,
    check_agreement,
    distribute,
    lost_workers_as_errors,
    worker_of,
)
from keras_effspine.training.strategy import build_strategy

pytestmark = pytest.mark.integration

HERE = pathlib.Path(__file__).parent
STEPS, MEASURED = 12, 4


@pytest.fixture(scope="module")
def command(handful):
    """Arguments of the run that all tests are about: 12 steps, a checkpoint after 4, 8 and 12."""
    data = {"task": "counting", "data": handful.file, "images": handful.images, "steps": STEPS}
    data |= {"val-data": handful.file, "image-size": 64, "batch-size": 4, "learning-rate": 0.01}
    # Without dropout, since replicas draw masks of their own.
    values = ["evaluations=3", "dropout=0", "optimization.clip_norm=0.5"]
    values += ["optimization.optimizer=sgd"]
    options = [f"--{name}={value}" for name, value in data.items()]
    return [*options, *(f"--set={value}" for value in values)]


def free_addresses(count=2):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    addresses = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()
    return addresses


def cluster(addresses, index):
    task = {"type": "worker", "index": index}
    return json.dumps({"cluster": {"worker": addresses}, "task": task})


def start(command, out, addresses, index, fate="nothing"):
    program = [sys.executable, str(HERE / "train_as_worker.py"), fate, "train", *command]
    path = [str(HERE.parent / "support"), *sys.path]
    environment = {"TF_CONFIG": cluster(addresses, index), "PYTHONPATH": os.pathsep.join(path)}
    return subprocess.Popen(
        [*program, "--strategy=multiworker", f"--out={out}"],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process):
    out, err = process.communicate(timeout=120)
    return types.SimpleNamespace(status=process.returncode, out=out, err=err.strip())


def train_together(command, out, fates=("nothing", "nothing")):
    """Two workers: their statuses, what they wrote on the terminal, and their addresses."""
    addresses = free_addresses()
    workers = [start(command, out, addresses, index, fate) for index, fate in enumerate(fates)]
    return *map(finish, workers), addresses


def weights(out):
    model = keras_effspine.load_model(out, last=True)
    assert model.optimizer.iterations == STEPS
    return np.concatenate([weight.ravel() for weight in model.get_weights()])


def content(out, name):
    return json.loads((out / name).read_text())


@pytest.fixture(scope="module")
def together(command, tmp_path_factory):
    out = tmp_path_factory.mktemp("together") / "run"
    chief, worker, _ = train_together(command, out)
    return types.SimpleNamespace(chief=chief, worker=worker, out=out)


def test_two_processes_end_where_one_ends(together, command, counting, effspine, tmp_path):
    assert (together.chief.status, together.worker.status) == (0, 0), together.chief.err
    alone = tmp_path / "alone"
    assert effspine("train", *command, "--strategy=cpu", f"--out={alone}").status == 0
    np.testing.assert_allclose(weights(together.out), weights(alone), rtol=1e-5, atol=1e-7)
    one, two = (content(out, "predictions.json") for out in (alone, together.out))
    assert [p["image_id"] for p in one] == [p["image_id"] for p in two]
    np.testing.assert_allclose([p["count"] for p in one], [p["count"] for p in two], rtol=1e-5)
    histories = [content(out, "metrics.json")["history"] for out in (alone, together.out)]
    assert [past["step"] for past in histories[1]] == [4, 8, 12]
    for past, other in zip(*histories, strict=True):
        assert past["count_error"] == pytest.approx(other["count_error"], rel=1e-5)


def test_the_first_process_speaks_and_the_others_are_quiet(together):
    assert "step 12: exactness" in together.chief.out
    assert "counted with an error of" in together.chief.out
    assert together.worker.out.splitlines() == [
        "Waiting for all workers that TF_CONFIG names.",
        f"Worker 1 of 2 trains along; worker 0 reports, and writes {together.out}.",
    ]
    assert together.chief.err == together.worker.err == ""


@pytest.mark.parametrize("killed", [pytest.param(0, marks=pytest.mark.slow), 1])
def test_a_worker_that_is_killed_ends_the_run_which_then_goes_on(
    together, command, tmp_path, killed
):
    out = tmp_path / "run"
    fates = ["nothing", "nothing"]
    fates[killed] = "SIGKILL@6"
    *workers, addresses = train_together(command, out, fates)
    assert workers[killed].status == -signal.SIGKILL
    survivor = workers[1 - killed]
    assert survivor.status == 2
    name = f"Worker {killed} ({addresses[killed]})"
    assert survivor.err.startswith(f"Error: {name} no longer answers")
    assert len(survivor.err.splitlines()) == 1
    # The checkpoint is whole, and that of the measurement before.
    assert keras_effspine.load_model(out, last=True).optimizer.iterations == MEASURED
    if killed == 1:
        chief, worker, _ = train_together(command, out)
        assert (chief.status, worker.status) == (0, 0), chief.err
        assert f"of which {MEASURED} are done" in chief.out
        np.testing.assert_array_equal(weights(out), weights(together.out))


def test_a_worker_that_is_asked_to_stop_stops_all_after_the_same_step(command, tmp_path):
    out = tmp_path / "run"
    *workers, _ = train_together(command, out, ["nothing", "SIGTERM@6"])
    for worker in workers:
        assert worker.status == 130, worker.err
        assert "Stopped at step 6 of 12; the same command goes on from there." in worker.out
    assert keras_effspine.load_model(out, last=True).optimizer.iterations == 6


def test_workers_that_were_told_different_things_say_so(command, tmp_path):
    addresses = free_addresses()
    workers = [
        start([*command, f"--seed={index}"], tmp_path / "run", addresses, index)
        for index in range(2)
    ]
    for worker in map(finish, workers):
        assert worker.status == 2
        assert worker.err.startswith("Error: The workers do not have the same recipe.")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_workers_that_do_not_share_the_run_folder_say_so(together, command, tmp_path):
    addresses = free_addresses()
    outs = [shutil.copytree(together.out, tmp_path / "copy"), tmp_path / "new"]
    workers = [start(command, out, addresses, index) for index, out in enumerate(outs)]
    for found, worker in zip((r"checksum \d+", "none"), map(finish, workers), strict=True):
        assert worker.status == 2
        assert re.search(rf"do not have the same checkpoint \(here: {found}\)", worker.err)


def test_an_address_in_use_is_one_clear_line(command, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        addresses = [f"127.0.0.1:{taken.getsockname()[1]}", *free_addresses(1)]
        worker = finish(start(command, tmp_path / "run", addresses, 0))
    assert worker.status == 2
    assert worker.err.startswith(f"Error: Worker 0 could not start at {addresses[0]} (")
    assert worker.err.endswith("is its port free?")


ADDRESSES = ["a:1", "b:2"]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "it is not set"),
        ("", "not valid JSON"),
        ("{'cluster': 1}", "not valid JSON"),
        ("[]", "does not fit"),
        ("{}", "cluster: Field required"),
        (json.dumps({"cluster": {"worker": ADDRESSES}}), "task: Field required"),
        (cluster(ADDRESSES, 2), "the cluster has no worker 2"),
        (cluster(ADDRESSES, -1), "task.index: Input should be greater than or equal to 0"),
        (cluster([], 0), "the cluster has no worker 0"),
        (cluster(["a", "b"], 0), "cluster.worker.0: String should match"),
        (cluster(["a:1", "a:1"], 0), "no address twice"),
        (cluster(ADDRESSES, 0).replace("worker", "ps"), r"cluster.ps: Extra inputs"),
    ],
)
def test_a_wrong_tf_config_is_named_with_an_example(monkeypatch, value, words):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if value is not None:
        monkeypatch.setenv("TF_CONFIG", value)
    with pytest.raises(StrategyError, match=rf"TF_CONFIG.*{words}.*Example: {{") as raised:
        build_strategy("multiworker")
    assert len(str(raised.value).splitlines()) == 1


def test_the_chief_comes_before_the_workers():
    jobs = {"worker": ["b:2", "c:3"], "chief": ["a:1"]}
    numbers = []
    for job, index in (("chief", 0), ("worker", 0), ("worker", 1)):
        value = json.dumps({"cluster": jobs, "task": {"type": job, "index": index}})
        cluster = Cluster.model_validate_json(value)
        assert cluster.addresses == ("a:1", "b:2", "c:3")
        numbers.append(cluster.number(job, index))
    assert numbers == [0, 1, 2]


def test_without_workers_nothing_is_to_be_agreed():
    strategy = build_strategy("cpu")
    assert worker_of(strategy) == (0, 1)
    check_agreement(strategy, seed=0)
    batches = object()
    assert distribute(batches, strategy) is batches
    with pytest.raises(tf.errors.UnavailableError), lost_workers_as_errors(strategy):
        raise tf.errors.UnavailableError(None, None, "the disk")
