"""A search with real networks that takes seconds."""

import pytest
from small_classes import class_folders


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    """A preset folder without weights."""
    from small_ladder import write_preset

    return write_preset(tmp_path_factory.mktemp("presets") / "ladder")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Red and blue ones: 8 of the part for training."""
    return class_folders(tmp_path_factory.mktemp("pictures"), {"train": 4, "val": 1})


@pytest.fixture(scope="module")
def recipe(preset, pictures):
    """Two steps on six of the pictures, two reserved."""
    from keras_effspine.training.recipe_changes import override
    from keras_effspine.training.recipes import find_recipe

    return override(
        find_recipe("from_scratch"),
        {
            "task": "classification",
            "preset": str(preset),
            "data.data": str(pictures),
            "data.reserve": 2,
            "classifier_backbone": "detection",
            "image_size": 32,
            "batch_size": 2,
            "steps": 2,
            "evaluations": 2,
        },
    )
