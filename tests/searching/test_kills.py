"""Searches that are killed at any moment end as one that was left alone."""

import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import pytest
from planted_search import Planted

from keras_effspine.errors import SearchError
from keras_effspine.searching.pool import ThisProcess
from keras_effspine.searching.ray_pool import RayPool, Resources
from keras_effspine.searching.search_folder import SearchFolder

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from search_to_be_killed import claimed, drive  # noqa: E402

pytestmark = pytest.mark.integration

PROGRAM = pathlib.Path(__file__).with_name("search_to_be_killed.py")
SUPPORT = pathlib.Path(__file__).parents[1] / "support"
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join([str(SUPPORT), str(PROGRAM.parent), *sys.path]),
}


def start(folder, count, workers, address=()):
    """The program, when its workers are there."""
    for _ in range(3):  # Ray gives up starting after 30 seconds, on a machine that is very busy
        run = subprocess.Popen(
            [sys.executable, str(PROGRAM), str(folder), str(count), str(workers), *address],
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=folder.with_suffix(".errors").open("w"),
            text=True,
        )
        if run.stdout.readline() == "begins\n":
            return run
        errors = folder.with_suffix(".errors").read_text()
        if "Ray cannot be started" not in errors:
            break
    raise AssertionError(errors[-3000:])


def finished(folder):
    """Keys of the candidates whose results are on the disk."""
    return set(SearchFolder(folder).results())


def wait_until_finished(folder, more, run):
    """Waits until so many more candidates are finished than now, or the search has ended."""
    wanted, deadline = len(finished(folder)) + more, time.monotonic() + 240
    while len(finished(folder)) < wanted and run.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def left_alone(folder, count):
    with claimed(folder) as (opened, evaluator):
        evaluator.seconds = 0.0
        return drive(opened, ThisProcess(evaluator, opened.path), count)


def assert_ends_as_one_left_alone(folder, whole, after_kills):
    """The same samples and scores; and what was finished at a kill was not begun again.

    Args:
        folder: of the search that was killed.
        whole: the `Driver` of one that was not.
        after_kills: list of pairs: keys of what was finished at a kill, lines in the diary by then.
    """
    with claimed(folder) as (opened, evaluator):
        before = len(evaluator.begun())
        again = drive(opened, ThisProcess(evaluator, opened.path), whole.state.count)
        assert len(evaluator.begun()) == before, "all results were there"
    assert [s.key for s in again.state.samples] == [s.key for s in whole.state.samples]
    scores = {key: result.score for key, result in whole.state.results.items()}
    assert {key: result.score for key, result in again.state.results.items()} == scores
    assert again._sampler.recommend() == whole._sampler.recommend()
    betas = {k: " ".join(map(str, map(int, r.betas))) for k, r in again.state.results.items()}
    begun = evaluator.begun()
    for keys, lines in after_kills:
        later = {line.rpartition(" ")[0] for line in begun[lines:]}
        assert not {betas[key] for key in keys} & later, "a finished candidate ran again"
    assert list((folder / "work").iterdir()) == []
    assert not list(folder.rglob("*.part*"))


def kill_and_go_on(folder, count, workers, kills, seed):
    """Kills the driver at random moments; what was finished at each kill."""
    moments, after_kills = random.Random(seed), []
    diary = Planted(folder.with_suffix(".diary"))
    while len(after_kills) < kills:
        run = start(folder, count, workers)
        wait_until_finished(folder, moments.randrange(1, count // (2 * kills)), run)
        time.sleep(moments.uniform(0.0, 0.3))
        run.send_signal(signal.SIGKILL)
        if run.wait() == 0:
            break
        # Workers that are being told of their driver's end may still finish what they are at.
        lines, keys = len(diary.begun()), finished(folder)
        after_kills.append((keys, lines))
    run = start(folder, count, workers)
    assert run.wait(240) == 0, folder.with_suffix(".errors").read_text()[-3000:]
    print(f"killed with {[len(keys) for keys, _ in after_kills]} of {count} finished")
    assert len(after_kills) >= min(kills, 2), "the search is too short to be killed"
    return after_kills


def test_a_search_in_one_process_that_is_killed_goes_on(tmp_path):
    whole = left_alone(tmp_path / "whole", 60)
    killed = kill_and_go_on(tmp_path / "killed", 60, 1, kills=3, seed=0)
    assert_ends_as_one_left_alone(tmp_path / "killed", whole, killed)


def test_a_search_on_ray_whose_driver_is_killed_goes_on(tmp_path):
    pytest.importorskip("ray")
    whole = left_alone(tmp_path / "whole", 60)
    killed = kill_and_go_on(tmp_path / "killed", 60, 2, kills=1, seed=1)
    assert_ends_as_one_left_alone(tmp_path / "killed", whole, killed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_search_on_ray_whose_driver_is_killed_again_and_again_goes_on(tmp_path, seed):
    pytest.importorskip("ray")
    whole = left_alone(tmp_path / "whole", 200)
    killed = kill_and_go_on(tmp_path / "killed", 200, 3, kills=6, seed=seed)
    assert_ends_as_one_left_alone(tmp_path / "killed", whole, killed)


@pytest.fixture(scope="module")
def cluster():
    """Three machines of Ray on this one; the first, the head, runs no candidates."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", ENVIRONMENT["PYTHONPATH"])
        patch.setenv("RAY_health_check_period_ms", "1000")
        patch.setenv("RAY_health_check_failure_threshold", "2")
        made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
        made.workers = [made.add_node(num_cpus=2) for _ in range(2)]
        yield made
        made.shutdown()


def test_what_no_machine_of_the_cluster_has_is_not_waited_for(tmp_path, cluster):
    for resources, needed in (
        (Resources(cpus=1, gpus=1), "CPU 1, GPU 1"),
        (Resources(cpus=3), "CPU 3"),
        (Resources(others={"TPU": 4}), "CPU 1, TPU 4"),
    ):
        with pytest.raises(SearchError, match=f"needs {needed}, and no machine has it") as caught:
            RayPool(Planted(), tmp_path, 2, cluster.address, resources)
        assert str(caught.value).count("CPU 2") == 2


def test_a_cluster_that_loses_a_worker_and_a_machine_loses_no_candidate(tmp_path, cluster):
    whole = left_alone(tmp_path / "whole", 60)
    folder, after_kills = tmp_path / "lost", []
    run = start(folder, 60, 4, [cluster.address])
    diary = Planted(folder.with_suffix(".diary"))
    for lose in (
        lambda: os.kill(diary.last_process(), signal.SIGKILL),
        lambda: cluster.remove_node(cluster.workers[0], allow_graceful=False),
    ):
        wait_until_finished(folder, 12, run)
        assert run.poll() is None
        lines, keys = len(diary.begun()), finished(folder)
        lose()
        after_kills.append((keys, lines))
    assert run.wait(240) == 0, folder.with_suffix(".errors").read_text()[-3000:]
    begun = diary.begun()
    assert len(begun) > len(set(begun)), "what was lost on the way began again"
    assert_ends_as_one_left_alone(folder, whole, after_kills)
