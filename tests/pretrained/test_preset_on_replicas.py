"""A model that is made in the scope of a strategy starts from exactly its preset's weights."""

import json
import pathlib
import subprocess
import sys

import pytest

PROGRAM = pathlib.Path(__file__).with_name("preset_on_replicas.py")


@pytest.mark.parametrize(("strategy", "replicas"), [("cpu", 1), ("mirrored", 4)])
def test_every_replica_starts_from_the_presets_weights(strategy, replicas, tmp_path):
    run = subprocess.run(
        [sys.executable, str(PROGRAM), strategy, str(tmp_path / "preset")],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr[-4000:]
    assert json.loads(run.stdout.splitlines()[-1]) == {
        "replicas": replicas,
        "weights": [18, 15],
        "loaded": 0.0,
        "with_other_classes": 0.0,
        "steps": 1,
        "after_a_step": 0.0,
    }
