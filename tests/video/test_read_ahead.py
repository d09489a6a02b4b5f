"""A thread that works ahead, no further than it may, and ends."""

import threading
import time

import pytest

from keras_effspine.video.read_ahead import read_ahead


def test_items_come_in_order():
    assert list(read_ahead(range(100), 3)) == list(range(100))
    assert list(read_ahead([], 3)) == []


def test_no_more_than_some_items_wait():
    made = []

    def items():
        for number in range(20):
            made.append(number)
            yield number

    reading = read_ahead(items(), 3)
    next(reading)
    time.sleep(0.3)
    assert len(made) <= 6
    assert len(list(reading)) == 19


def test_an_error_is_raised_after_the_items_before_it():
    def items():
        yield 1
        raise ValueError("broken")

    reading = read_ahead(items(), 3)
    assert next(reading) == 1
    with pytest.raises(ValueError, match="broken"):
        next(reading)


def test_the_thread_ends_with_its_reader():
    before = threading.active_count()
    reading = read_ahead(iter(int, 1), 2)
    next(reading)
    assert threading.active_count() == before + 1
    reading.close()
    assert threading.active_count() == before
