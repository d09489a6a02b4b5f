"""What the tests share."""

import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pytest


@pytest.fixture(scope="session")
def real_data():
    """Folder of real pictures, named by EFFSPINE_TEST_DATA."""
    folder = os.environ.get("EFFSPINE_TEST_DATA")
    if not folder:
        pytest.skip("EFFSPINE_TEST_DATA does not name a folder of real pictures")
    return pathlib.Path(folder)


@pytest.fixture(scope="session")
def small_shapes_cache(tmp_path_factory):
    """A cache folder with a small embedded data set: 8 training and 4 validation pictures."""
    from keras_effspine.data.shapes import VERSION, write_shapes

    cache = tmp_path_factory.mktemp("cache")
    write_shapes(cache / VERSION, {"train": 8, "val": 4})
    return cache


@pytest.fixture
def small_shapes(small_shapes_cache, monkeypatch):
    """Makes the name "shapes" mean the small set, in place of the user's cache."""
    monkeypatch.setenv("EFFSPINE_CACHE", str(small_shapes_cache))
    return small_shapes_cache
