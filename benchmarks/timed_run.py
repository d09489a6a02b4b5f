"""Training for a given time, one model or several beside each other."""

import json
import math
import os
import subprocess
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import keras

CORES = sorted(os.sched_getaffinity(0))


class TimedRun(keras.callbacks.Callback):
    """Sets the learning rate by the clock, measures now and then, and stops when time is up."""

    def __init__(self, peak, seconds, measure, points):
        super().__init__()
        self.peak = peak
        self.seconds = seconds
        self.measure = measure
        self.marks = [seconds * (i + 1) / points for i in range(points)]
        self.paused = 0.0
        self.started = time.monotonic()
        self.step_times = []
        self.curve = []

    def elapsed(self):
        return time.monotonic() - self.started - self.paused

    def on_train_batch_begin(self, batch, logs=None):
        share = self.elapsed() / self.seconds
        warm = min(1.0, share / 0.05)
        cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, share)))
        self.model.optimizer.learning_rate = self.peak * warm * cosine
        self.begun = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        self.step_times.append(time.monotonic() - self.begun)
        if self.elapsed() < self.marks[0]:
            return
        seconds, before = self.elapsed(), time.monotonic()
        metrics = self.measure().result().metrics
        self.curve.append({"seconds": round(seconds), "steps": len(self.step_times), **metrics})
        print(json.dumps(self.curve[-1]), flush=True)
        self.marks.pop(0)
        self.paused += time.monotonic() - before
        if not self.marks:
            self.model.stop_training = True


def run_in_parallel(models, count):
    """Runs this command once for each model, `count` at a time, each on cores of its own."""
    share = len(CORES) // count
    waiting, running = list(models), {}
    while waiting or running:
        for place in range(count):
            if place in running and running[place].poll() is not None:
                if running.pop(place).returncode:
                    raise SystemExit("a run failed")
            if place not in running and waiting:
                cores = CORES[place * share : (place + 1) * share]
                options = ["--models", waiting.pop(0), "--parallel", "1"]
                # The last of two equal options counts.
                running[place] = subprocess.Popen(
                    [sys.executable, *sys.argv, *options],
                    preexec_fn=lambda cores=cores: os.sched_setaffinity(0, cores),
                )
        time.sleep(1)
