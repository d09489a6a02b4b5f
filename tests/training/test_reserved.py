"""Runs that are measured on reserved training pictures, and end where they are hopeless."""

import pytest
from pydantic import ValidationError

from keras_effspine.data.reserved_records import reserve_records
from keras_effspine.errors import DataError
from keras_effspine.training.recipe import Data
from keras_effspine.training.recipe_changes import override
from keras_effspine.training.run_data import load_validation_data
from keras_effspine.training.train import train


def with_reserve(recipe, reserve, **changes):
    return override(recipe, {"data.val_data": None, "data.reserve": reserve, **changes})


@pytest.mark.integration
def test_a_run_measures_on_what_it_reserves_and_ends_below_a_floor(
    counting_recipe, handful, tmp_path
):
    recipe, said = with_reserve(counting_recipe, 2), []
    folder, result = train(recipe, tmp_path / "run", said.append, 0, floors={4: 2.0, 8: 0.0})
    assert folder.metrics.measured_on == "reserved"
    assert [past["step"] for past in folder.metrics.history] == [4]
    assert "2 of them are reserved to measure on." in said
    assert any("on the reserved pictures" in line for line in said)
    assert said[-1] == "Too far behind to be worth going on with: the run ends."

    _, reserved = reserve_records(handful.records, 2)
    wanted = [record.image_id for record in reserved.records]
    assert [one["image_id"] for one in folder.read_json("predictions.json")] == wanted
    again = load_validation_data(folder.recipe, said.append)
    assert [record.image_id for record in again.records] == wanted

    train(recipe, tmp_path / "run", said.append, 0, floors={4: 2.0, 8: 0.0})
    assert [past["step"] for past in folder.metrics.history] == [4]
    folder, _ = train(recipe, tmp_path / "run", said.append, 0)
    assert [past["step"] for past in folder.metrics.history] == [4, 8]


def test_a_set_that_is_too_small_to_reserve_from_is_refused(counting_recipe, tmp_path):
    with pytest.raises(DataError, match="of 4 pictures 3 cannot be reserved"):
        train(with_reserve(counting_recipe, 3), tmp_path / "run", lambda line: None, 0)


def test_reserved_pictures_take_the_place_of_validation_data():
    with pytest.raises(ValidationError, match="reserve takes the place of validation data"):
        Data(data="a.json", val_data="b.json", reserve=3)
