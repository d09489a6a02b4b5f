"""What a run says of its progress."""

import re

import pytest

from keras_effspine.training.progress import Progress, in_words
from keras_effspine.training.train import train

pytestmark = pytest.mark.integration


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Model:
    """A model that is at a step."""

    def __init__(self):
        self.optimizer = self
        self._iterations = self.iterations = self
        self.step = 0

    def numpy(self):
        return self.step


def lines_of(steps, seconds_a_step, measurements=1, measuring=0.0, tracing=60.0, verbose=2):
    """Lines of a run of batches of 8 whose first step is traced."""
    clock, said = Clock(), []
    measured_at = [steps * (i + 1) // measurements for i in range(measurements)]
    progress = Progress(measured_at, 8, verbose=verbose, report=said.append, clock=clock)
    model = Model()
    progress.set_model(model)
    with progress:
        for step in range(1, steps + 1):
            progress.on_train_batch_begin(step)
            clock.now += seconds_a_step if step > 1 else tracing
            model.step = step
            progress.on_train_batch_end(step, {"loss": 2.5})
            if step in measured_at:
                with progress.measuring():
                    clock.now += measuring
    return said


def test_a_line_names_step_loss_rate_and_time_left():
    said = lines_of(steps=1000, seconds_a_step=0.5)
    assert said[0] == "step 1 of 1000, loss 2.5"  # nothing to take a rate from
    assert said[1] == "step 61 of 1000, loss 2.5, 16 pictures/s, 8 min left"
    assert said[-1] == "step 1000 of 1000, loss 2.5, 16 pictures/s, 0 s left"


def test_the_first_step_does_not_spoil_the_rate():
    for line in lines_of(steps=100, seconds_a_step=1.0, tracing=1000.0)[1:]:
        assert ", 8 pictures/s, " in line


def test_measurements_count_for_the_time_left_and_not_for_the_rate():
    said = lines_of(steps=400, seconds_a_step=1.0, measurements=4, measuring=600.0)
    after_two = next(line for line in said if line.startswith("step 201 "))
    # 199 steps and two measurements of ten minutes are left.
    assert after_two == "step 201 of 400, loss 2.5, 8 pictures/s, 23 min left"


@pytest.mark.parametrize(("steps", "seconds_a_step"), [(30_000, 0.5), (300_000, 1.0)])
def test_a_log_file_gets_some_lines_and_not_thousands(steps, seconds_a_step):
    assert 20 <= len(lines_of(steps, seconds_a_step)) <= 80


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (99, "99 s"),
        (100, "2 min"),
        (3540, "59 min"),
        (3599, "1 h 00 min"),
        (4000, "1 h 07 min"),
        (86_300, "23 h 58 min"),
        (86_400, "1 d 0 h"),
        (300_000, "3 d 11 h"),
    ],
)
def test_a_duration_in_words(seconds, words):
    assert in_words(seconds) == words


@pytest.mark.parametrize("verbose", [0, 1, 2])
def test_verbose_says_how_progress_is_shown(counting_recipe, tmp_path, capsys, verbose):
    said = []
    train(counting_recipe, tmp_path / "run", report=said.append, verbose=verbose)
    printed = capsys.readouterr().out
    lines = [line for line in said if re.match(r"step 8 of 8, loss .*, \S+ pictures/s, ", line)]
    assert len(lines) == (verbose == 2)
    assert ("step 8 of 8" in printed) == (verbose == 1)
    assert "step 4: exactness" in " ".join(said)


def test_each_measurement_leaves_one_line_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    lines_of(steps=8, seconds_a_step=1.0, measurements=2, verbose=1)
    lines = capsys.readouterr().out.split("\n")
    assert ["measuring" in line for line in lines] == [True, True, False]


@pytest.mark.parametrize(("terminal", "lines"), [("xterm", 0), ("dumb", 8)])
def test_a_terminal_that_cannot_redraw_a_line_gets_lines(monkeypatch, terminal, lines):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", terminal)
    said = lines_of(steps=8, seconds_a_step=60.0, verbose="auto")
    assert len(said) == lines
