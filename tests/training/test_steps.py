"""How long a run is, when it is measured, and the data that it is measured on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_effspine.data.conversion import convert
from keras_effspine.data.loading import load_records
from keras_effspine.errors import DataError
from keras_effspine.training.recipe import Data, Recipe
from keras_effspine.training.run_data import load_data
from keras_effspine.training.run_length import count_steps
from keras_effspine.training.training_loop import measured_steps


@given(st.integers(1, 50), st.integers(1, 64), st.integers(1, 5000))
def test_epochs_are_passes_over_the_pictures(epochs, batch_size, images):
    recipe = Recipe(epochs=epochs, batch_size=batch_size)
    steps, steps_per_epoch = count_steps(recipe, images)
    assert steps >= 1
    assert abs(steps * batch_size - epochs * images) <= batch_size, "to half a batch, or one step"
    assert steps_per_epoch == images / batch_size
    in_steps = Recipe(steps=epochs, batch_size=batch_size)
    assert count_steps(in_steps, images) == (epochs, steps_per_epoch)


@given(st.integers(1, 500), st.integers(1, 60))
def test_measurements_are_spread_evenly_and_the_last_step_is_one(steps, evaluations):
    found = measured_steps(steps, evaluations)
    assert found == sorted(found)
    assert found[-1] == steps
    assert found[0] >= 1
    assert len(found) == min(steps, evaluations)
    gaps = [after - before for before, after in zip([0, *found], found, strict=False)]
    assert max(gaps) - min(gaps) <= 1


def test_shapes_are_measured_on_their_own_validation_pictures(small_shapes):
    train, measured, kind = load_data(Recipe(steps=1), report=print)
    assert (len(train.records), len(measured.records), kind) == (8, 4, "validation")


def test_without_validation_data_a_run_says_that_it_is_measured_on_what_it_learns(handful):
    said = []
    data = Data(data=str(handful.file), images=str(handful.images))
    train, measured, kind = load_data(Recipe(steps=1, data=data), said.append)
    assert measured is train
    assert kind == "training"
    assert said == [
        f"{handful.file}: COCO JSON file, 4 pictures of 6 classes",
        "No validation data named: the model is measured on the pictures it trains on.",
    ]


def test_a_folder_with_lists_trains_on_train_and_is_measured_on_val(small_shapes, tmp_path):
    sets = {split: load_records("shapes", split=split) for split in ("train", "val")}
    convert(sets, "voc", tmp_path / "voc")
    train, measured, kind = load_data(
        Recipe(steps=1, data=Data(data=str(tmp_path / "voc"))), lambda line: None
    )
    assert (len(train.records), len(measured.records), kind) == (8, 4, "validation")
    assert (train.split, measured.split) == ("train", "val")
    other = Data(data=str(tmp_path / "voc"), val_split="train")
    assert len(load_data(Recipe(steps=1, data=other), print)[1].records) == 8


def test_validation_pictures_are_looked_for_with_the_others_unless_told_otherwise(handful):
    file, images = str(handful.file), str(handful.images)
    for val_images in (None, images):
        data = Data(data=file, images=images, val_data=file, val_images=val_images)
        train, measured, kind = load_data(Recipe(steps=1, data=data), print)
        assert kind == "validation"
        assert measured is not train
        assert len(measured.records) == 4


def test_validation_data_with_other_classes_is_refused(handful, tmp_path):
    file = tmp_path / "other.json"
    file.write_text(handful.file.read_text().replace('"ring"', '"donut"'))
    data = Data(data=str(handful.file), images=str(handful.images), val_data=str(file))
    with pytest.raises(DataError, match="does not know the classes donut"):
        load_data(Recipe(steps=1, data=data), print)
