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
def shapes_folder(tmp_path_factory):
    """A small set of shapes, 8 training and 4 validation pictures, instead of the user's cache."""
    from keras_effspine.data.shapes import write_shapes

    folder = tmp_path_factory.mktemp("shapes") / "set"
    write_shapes(folder, {"train": 8, "val": 4})
    return folder
