"""The notebooks are what their scripts say, and the scripts run."""

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

FOLDER = pathlib.Path(__file__).parents[2] / "examples" / "notebooks"
SCRIPTS = sorted(FOLDER.glob("[0-9]_*.py"))
_LARGEST = 1_000_000


def cells(text):
    """Kind and text of the cells of a script in the percent format."""
    parts = re.split(r"^# %%(.*)\n", text, flags=re.MULTILINE)[1:]
    for kind, source in zip(parts[::2], parts[1::2], strict=True):
        if "markdown" in kind:
            yield "markdown", re.sub(r"^# ?", "", source.strip(), flags=re.MULTILINE)
        else:
            yield "code", source.strip()


def in_small(text):
    """A script with the numbers that its comments give for tests."""
    return re.sub(r"^(\w+) = .*# tiny: (\w+)$", r"\1 = \2", text, flags=re.MULTILINE)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_notebook_is_made_of_its_script_and_ran_to_its_end(script):
    notebook = json.loads(script.with_suffix(".ipynb").read_text())
    made = [(cell["cell_type"], "".join(cell["source"])) for cell in notebook["cells"]]
    assert made == list(cells(script.read_text())), f"make it anew: {FOLDER / 'make.py'}"
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    counts = [cell["execution_count"] for cell in code]
    assert counts == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell["outputs"]]
    assert not [output for output in outputs if output["output_type"] == "error"]
    assert script.with_suffix(".ipynb").stat().st_size < _LARGEST
    if not script.stem.startswith(("2", "5")):
        assert any("image/jpeg" in output.get("data", {}) for output in outputs)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_the_small_numbers_of_a_script_are_found(script):
    text = script.read_text()
    assert "ke.train(" not in text or re.search(r"^\w*STEPS = \d+$", in_small(text), re.MULTILINE)
    compile(text, str(script), "exec")


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_runs_to_its_end_in_small(script, small_shapes, tmp_path):
    small = tmp_path / "script.py"
    small.write_text(in_small(script.read_text()))
    done = subprocess.run(
        [sys.executable, small],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "EFFSPINE_CACHE": str(small_shapes)},
    )
    assert done.returncode == 0, done.stderr[-3000:]
