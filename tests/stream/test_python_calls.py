"""Waiting until tf.data calls no Python any more."""

import threading
import time

import pytest
import tensorflow as tf

from keras_effspine.errors import StoppedError
from keras_effspine.stream.python_calls import PythonCalls
from keras_effspine.training.checkpoint import Checkpoint
from keras_effspine.training.train import train


def test_it_waits_for_a_call_that_runs_and_hands_on_what_it_gives():
    calls, may_end = PythonCalls(), threading.Event()
    found = []
    slow = calls.counted(lambda x: (may_end.wait(10), x + 1)[1])
    thread = threading.Thread(target=lambda: found.append(slow(1)))
    thread.start()
    threading.Timer(0.3, may_end.set).start()
    began = time.monotonic()
    calls.wait_until_idle()
    assert found == [2] and time.monotonic() - began > 0.3
    thread.join()
    with pytest.raises(ZeroDivisionError):
        calls.counted(lambda: 1 / 0)()
    calls.wait_until_idle(timeout=5)
    assert time.monotonic() - began < 5  # a call that failed has ended too


def test_it_does_not_wait_for_ever():
    calls, may_end = PythonCalls(), threading.Event()
    thread = threading.Thread(target=calls.counted(may_end.wait))
    thread.start()
    began = time.monotonic()
    calls.wait_until_idle(timeout=0.3)
    assert 0.3 <= time.monotonic() - began < 5
    may_end.set()
    thread.join()


def test_a_stream_that_nobody_reads_comes_to_rest():
    calls, seen = PythonCalls(), []
    count = calls.counted(lambda x: (seen.append(1), time.sleep(0.01), x)[2])
    stream = tf.data.Dataset.range(2**40).map(
        lambda x: tf.numpy_function(count, [x], tf.int64), num_parallel_calls=tf.data.AUTOTUNE
    )
    iterator = iter(stream.batch(4).prefetch(tf.data.AUTOTUNE))
    next(iterator)
    calls.wait_until_idle()
    called = len(seen)
    time.sleep(0.3)
    assert len(seen) == called


def test_training_rests_where_a_fit_ends_and_where_it_is_interrupted(
    counting_recipe, tmp_path, monkeypatch
):
    rested = []
    monkeypatch.setattr(PythonCalls, "wait_until_idle", lambda self: rested.append(self._running))
    train(counting_recipe, tmp_path / "whole", report=print, verbose=0)
    assert len(rested) == counting_recipe.evaluations

    def stop(self, batch, logs=None):
        raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoint, "on_train_batch_end", stop)
    with pytest.raises(StoppedError):
        train(counting_recipe, tmp_path / "stopped", report=print, verbose=0)
    assert len(rested) == counting_recipe.evaluations + 1
