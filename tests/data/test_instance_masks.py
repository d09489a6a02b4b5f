"""Masks in COCO's notation, held against their picture."""

import subprocess
import sys
import time

import numpy as np
import pycocotools.mask
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_effspine.data.instance_masks import MOST_OUTLINE, check_mask, draw_mask

ANY = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from([10**400, 2**63, 1e-320, "x", None, True, [], {}]),
)


def encoded(pixels):
    return pycocotools.mask.encode(np.asfortranarray(pixels, dtype="uint8"))


@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    share=st.sampled_from([0.0, 0.03, 0.5, 1.0]),
    seed=st.integers(0, 100),
)
def test_run_lengths_are_the_pixels_that_pycocotools_encoded(height, width, share, seed):
    pixels = np.random.default_rng(seed).random((height, width)) < share
    mask = encoded(pixels)
    text = {**mask, "counts": mask["counts"].decode()}
    runs = [0]
    for pixel in pixels.T.ravel().tolist():
        if pixel != (len(runs) % 2 == 0):
            runs.append(0)
        runs[-1] += 1
    for one in (mask, text, {**mask, "counts": runs}):
        np.testing.assert_array_equal(draw_mask(one, width, height), pixels)


@pytest.mark.parametrize("shape", [(3000, 4000), (1, 60_000), (60_000, 1)])
def test_long_runs_are_read_as_well(shape):
    pixels = np.zeros(shape, bool)
    pixels[-1, -1] = True
    np.testing.assert_array_equal(draw_mask(encoded(pixels), *shape[::-1]), pixels)


def test_polygons_are_drawn_as_pycocotools_draws_them():
    polygons = [[1.5, 2, 30, 2.25, 17, 25], [35, 20, 45, 20, 45, 34, 35, 34]]
    drawn = pycocotools.mask.merge(pycocotools.mask.frPyObjects(polygons, 30, 40))
    np.testing.assert_array_equal(draw_mask(polygons, 40, 30), pycocotools.mask.decode(drawn) > 0)


def test_a_polygon_alone_is_drawn_as_one():
    polygon = [2, 3, 12, 3, 12, 13, 2, 13]
    np.testing.assert_array_equal(draw_mask(polygon, 40, 30), draw_mask([polygon], 40, 30))


def test_an_outline_without_end_is_refused_before_memory_is_taken():
    points = np.tile([0, 0, 4000, 3000], MOST_OUTLINE // 4000).tolist()
    began = time.monotonic()
    assert check_mask([points], 4000, 3000)[1].startswith("mask has an outline of more than")
    assert time.monotonic() - began < 2
    assert check_mask([points[:400]], 4000, 3000)[1] is None


def test_what_ends_a_process_in_pycocotools_is_a_fault_here():
    program = (
        "from keras_effspine.data.instance_masks import check_mask, draw_mask\n"
        "import resource\n"
        "resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))\n"
        "for mask in ([[0, 0, 1e9, 0, 1e9, 1e9]], [[0, 0, 2e9, 5, -2e9, 7]],\n"
        "             {'size': [10**6, 10**6], 'counts': [1, 2, 3]},\n"
        "             {'size': [48, 64], 'counts': [2**40]},\n"
        "             {'size': [48, 64], 'counts': [48 * 64, 2**32 - 1]},\n"
        "             {'size': [48, 64], 'counts': [-1, 48 * 64 + 1]},\n"
        "             {'size': [48, 64], 'counts': 'o' * 7 + '0'},\n"
        "             [[1, 2, 3, 4]], [1, 2, 3, 4]):\n"
        "    try:\n"
        "        draw_mask(mask, 64, 48)\n"
        "    except ValueError as error:\n"
        "        print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert len(run.stdout.splitlines()) == 9


@given(
    mask=st.one_of(
        ANY,
        st.lists(st.one_of(ANY, st.lists(ANY, max_size=9)), max_size=3),
        st.fixed_dictionaries(
            {"size": st.one_of(ANY, st.just([7, 5])), "counts": st.one_of(ANY, st.lists(ANY))}
        ),
        st.fixed_dictionaries({"size": st.just([7, 5]), "counts": st.text() | st.binary()}),
        st.lists(st.lists(st.floats(-6, 12), min_size=6, max_size=12), max_size=2),
    )
)
def test_whatever_comes_is_drawn_or_a_fault_in_words(mask):
    kept, fault = check_mask(mask, 5, 7)
    if fault:
        assert kept is None
        assert fault.startswith("mask ")
        assert len(fault) < 100
    else:
        assert draw_mask(kept, 5, 7).shape == (7, 5)
