"""The bake-off's own parts: what goes through its pipes, and the table."""

import io
import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

pytestmark = pytest.mark.integration

FOLDER = pathlib.Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def worker():
    sys.path.insert(0, str(FOLDER))
    import bake_off_worker

    yield bake_off_worker
    sys.path.remove(str(FOLDER))


def test_arrays_go_through_a_pipe_as_they_are(worker):
    stream = io.BytesIO()
    arrays = {"images": np.arange(24, dtype="uint8").reshape(2, 3, 4)[:, ::2], "rows": np.ones(3)}
    worker.send(stream, {"do": "predict"}, arrays)
    worker.send(stream, {"do": "cost"})
    stream.seek(0)
    header, found = worker.receive(stream)
    assert header == {"do": "predict"} and found.keys() == arrays.keys()
    for name, values in arrays.items():
        np.testing.assert_array_equal(found[name], values)
    assert worker.receive(stream) == ({"do": "cost"}, {})
    assert worker.receive(stream) == (None, {})


def test_the_best_hundred_detections_are_kept(worker):
    scores = np.linspace(0, 1, 150)
    boxes = np.repeat(scores[:, None], 4, axis=1)
    found = worker.padded([(boxes, scores, np.zeros(150)), ([], [], [])])
    assert found["num_detections"].tolist() == [100, 0]
    assert found["confidence"][0, 0] == 1 and found["confidence"][0, -1] > 0.3
    np.testing.assert_allclose(found["boxes"][0, :, 0], found["confidence"][0])
    assert (found["boxes"][1] == -1).all()


def test_the_table_says_who_is_best_at_what(tmp_path):
    for name, precision, step in (("ours", 0.5, 0.9), ("theirs", 0.4, 0.2)):
        for seed in (0, 1):
            cell = {
                **{"candidate": name, "seed": seed, "learning_rate": 0.01, "AP": precision},
                **{"AP50": 0.7, "seconds_a_step": step, "parameters": 2_000_000},
                **{"multiply_adds": None, "milliseconds": 10.0, "peak_memory_mb": 900.0},
            }
            cell["AP"] += seed / 100
            (tmp_path / "bccd").mkdir(exist_ok=True)
            (tmp_path / f"bccd/{name}-seed{seed}.json").write_text(json.dumps(cell))
        (tmp_path / f"bccd/{name}-rate0.01.json").write_text("{}")  # is not measured on
    command = [sys.executable, str(FOLDER / "bake_off.py"), "table", "--out", str(tmp_path)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    ours, theirs = (line for line in printed.splitlines() if line.startswith("| `"))
    assert ours.startswith("| `ours` | **0.505** |") and "0.500, 0.510" in ours
    assert "| 0.405 |" in theirs and "| **0.200** |" in theirs and "| - |" in theirs


def test_data_are_named_with_their_folder(tmp_path):
    options = ["--out", str(tmp_path), "--candidates", "m0", "--data", "bccd"]
    command = [sys.executable, str(FOLDER / "bake_off.py"), "run", *options]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 2 and "write NAME=FOLDER" in ended.stderr
