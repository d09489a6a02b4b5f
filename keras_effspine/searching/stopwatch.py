"""How long a function takes on this device."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

RUNS, SECONDS = 10, 0.05
"""Least number of runs of a timing, and of seconds; the fastest run counts, since whatever else the
device does makes the others slower."""

CLOCK = time.perf_counter


def milliseconds(call: Callable[..., Any], inputs: Sequence[keras.KerasTensor]) -> float:
    """Milliseconds of the fastest run of a function on random maps."""
    random = np.random.default_rng(0)
    maps = [tf.constant(random.uniform(size=x.shape).astype("float32")) for x in inputs]
    function = tf.function(call, autograph=False)
    times: list[float] = []
    for _ in range(2):  # traces, and lets the device settle
        _finish(function(*maps))
    began = CLOCK()
    while len(times) < RUNS or CLOCK() - began < SECONDS:
        start = CLOCK()
        _finish(function(*maps))
        times.append(CLOCK() - start)
    return 1000 * min(times)


def _finish(outputs):
    """Waits for what a device computes while Python goes on."""
    for output in keras.tree.flatten(outputs):
        output.numpy()
