"""How far a run is, how fast it goes, and how long it will still take."""

import collections
import contextlib
import time
from collections.abc import Callable, Iterator, Sequence

import keras
from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

from keras_effspine.training.steps_taken import steps_taken


class Progress(keras.callbacks.Callback):
    """Shows step, loss, pictures a second and the time left of the whole run.

    On a terminal one line is kept up to date. For log files there is a line every 30 seconds, or in
    long runs every fiftieth of the run. The first step, in which TensorFlow traces the model, and
    measurements are left out of the rate; the measurements to come are part of the time left.

    A context manager: the line on the terminal lasts as long as the context.

    Args:
        measured_at: the steps after which the model is measured, in order; the last ends the run.
        batch_size: pictures a step.
        verbose: 0 shows nothing, 1 keeps one line up to date, 2 gives lines to `report`; `"auto"`
            is 1 on a terminal that can draw a line again, otherwise 2.
        report: function that is given one line of text.
        clock: function that returns seconds.
    """

    RECENT = 100
    """Steps that the rate is the mean of."""
    SECONDS = 30.0
    """Least time between two lines."""
    LINES = 50
    """Most lines of a long run, about."""
    REDRAWN = 0.25
    """Seconds after which the line on the terminal is drawn again."""

    def __init__(
        self,
        measured_at: Sequence[int],
        batch_size: int,
        verbose: int | str = "auto",
        report: Callable[[str], None] = print,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        console = Console()
        if verbose == "auto":
            verbose = 1 if console.is_terminal and not console.is_dumb_terminal else 2
        self._measured_at = measured_at
        self._batch_size = batch_size
        self._report = report if verbose == 2 else None
        self._bar = _bar(console) if verbose == 1 else None
        self._clock = clock
        self._durations: collections.deque[float] = collections.deque(maxlen=self.RECENT)
        self._measuring_took = 0.0
        self._is_traced = False
        self._started = self._shown_at = self._began = clock()

    def __enter__(self):
        if self._bar is not None:
            self._draw("the first step takes longer than the others", 0)
        return self

    def __exit__(self, *error):
        if self._bar is not None:
            self._bar.stop()

    @contextlib.contextmanager
    def measuring(self) -> Iterator[None]:
        """Context of a measurement."""
        if self._bar is not None:
            self._draw("measuring")
            self._bar.stop()  # ends the line, so that what is reported gets lines of its own
        began = self._clock()
        yield
        self._measuring_took = self._clock() - began

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        self._began = self._clock()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        now = self._clock()
        if self._is_traced:
            self._durations.append(now - self._began)
        self._is_traced = True
        if self._bar is None and self._report is None:
            return
        step = steps_taken(self.model)
        is_last = step >= self._measured_at[-1]
        if now - self._shown_at < self._pause(step) and not is_last:
            return
        self._shown_at = now
        if self._bar is not None:
            self._draw(self._said(step, logs), step)
        elif self._report is not None:
            self._report(f"step {step} of {self._measured_at[-1]}, {self._said(step, logs)}")

    def _pause(self, step):
        """Seconds from one showing to the next."""
        if self._bar is not None:
            return self.REDRAWN
        whole = self._clock() - self._started + self._seconds_left(step)
        return max(self.SECONDS, whole / self.LINES)

    def _seconds_left(self, step):
        if not self._durations:
            return 0.0
        seconds_a_step = sum(self._durations) / len(self._durations)
        measurements = sum(at > step for at in self._measured_at)
        steps = self._measured_at[-1] - step
        return steps * seconds_a_step + measurements * self._measuring_took

    def _said(self, step, logs):
        said = [f"loss {logs['loss']:.4g}"] if logs and "loss" in logs else []
        if self._durations:
            rate = self._batch_size * len(self._durations) / max(sum(self._durations), 1e-9)
            said += [f"{rate:.3g} pictures/s", f"{in_words(self._seconds_left(step))} left"]
        return ", ".join(said)

    def _draw(self, text, step=None):
        done = {} if step is None else {"completed": step}
        if not self._bar.tasks:
            self._bar.add_task(text, total=self._measured_at[-1])
        self._bar.update(self._bar.tasks[0].id, description=text, **done)
        self._bar.start()  # a measurement has stopped it
        self._bar.refresh()


def _bar(console):
    return Bar(
        TextColumn("step {task.completed:.0f} of {task.total:.0f}"),
        BarColumn(bar_width=20),
        TextColumn("{task.description}"),
        auto_refresh=False,
        console=console,
    )


def in_words(seconds: float) -> str:
    """A duration for people, such as `"42 s"`, `"7 min"`, `"3 h 05 min"` or `"2 d 4 h"`."""
    minutes = round(seconds / 60)
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    if minutes < 60:
        return f"{minutes} min"
    hours = round(seconds / 3600)
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60:02} min"
    return f"{hours // 24} d {hours % 24} h"
