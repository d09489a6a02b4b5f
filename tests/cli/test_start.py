"""The command line answers at once where no network is needed."""

import os
import resource
import subprocess
import sys

import pytest

from keras_effspine.pretrained.shipped import list_presets

pytestmark = pytest.mark.integration

HEAVY = {"tensorflow", "keras", "keras_cv", "numpy", "PIL"}


def seconds_of_children():
    """Processor time of all processes that were waited for; other work does not add to it."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.parametrize(
    ("arguments", "status", "answer"),
    [
        (["--help"], 0, "predict"),
        ([], 2, "predict"),
        (["--version"], 0, "0."),
        (["train", "--help"], 0, "--val-images"),
        (["evaluate", "--help"], 0, "--split"),
        (["predict", "--help"], 0, "--min-score"),
        (["data", "check", "--help"], 0, "--val-data"),
        (["presets"], 0, "sp_efficientnet_b0"),
    ],
)
def test_help_and_presets_answer_within_a_second_without_tensorflow(
    tmp_path, arguments, status, answer
):
    code = (
        "import sys\n"
        "sys.argv = ['effspine', *sys.argv[2:]]\n"
        "from keras_effspine.cli.main import main\n"
        "try:\n"
        "    main()\n"
        "finally:\n"
        f"    open({str(tmp_path / 'imported')!r}, 'w').write(' '.join(sys.modules))\n"
    )
    took = []
    for _ in range(2):  # the first start may have to compile
        start = seconds_of_children()
        done = subprocess.run(
            [sys.executable, "-c", code, "--", *arguments],
            capture_output=True,
            text=True,
            env={**os.environ, "COLUMNS": "80"},
            timeout=60,
        )
        took.append(seconds_of_children() - start)
    assert done.returncode == status
    assert answer in done.stdout
    assert done.stderr == ""
    assert not HEAVY & set((tmp_path / "imported").read_text().split())
    assert min(took) < 1


def test_every_preset_is_listed_with_its_whole_name(effspine):
    answer = effspine("presets")
    assert answer.status == 0
    for preset in list_presets().values():
        assert f" {preset.name} " in answer.out
        assert f" {preset.title} " in answer.out


def test_the_log_of_tensorflow_stays_off_the_terminal(tmp_path):
    code = (
        "import sys\n"
        "from keras_effspine.cli.quiet_start import load_tensorflow\n"
        "load_tensorflow()\n"
        "print('tensorflow' in sys.modules)\n"
        "print('still here', file=sys.stderr)\n"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TF_")}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=120
    )
    assert (done.stdout, done.stderr) == ("True\n", "still here\n")


def test_a_former_name_of_a_task_is_noted_in_one_line(tmp_path):
    command = ["data", "check", "--data", "shapes", "--split", "val", "--task", "segmentation"]
    code = f"import sys; sys.argv = ['effspine', *{command}]\n"
    code += "from keras_effspine.cli.main import main\nmain()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0
    assert done.stderr == "The task 'segmentation' is called 'semantic_segmentation' now.\n"
    assert "not labelled" in done.stdout
