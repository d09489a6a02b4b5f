"""The contract of a task: one that is no detection is served all the same, by every verb.

The task (`support/counting_task.py`) counts the objects of a picture. It is a file, and a line in
the registry of tasks: nothing else knows of it.
"""

import json
import shutil

import numpy as np
import pytest
from counting_task import Counting
from PIL import Image

from keras_effspine.data.tiles import Tiles
from keras_effspine.errors import DataError, RecipeError
from keras_effspine.tasks.inference import evaluate, predict_records
from keras_effspine.tasks.registry import find_task
from keras_effspine.training.recipe_changes import override
from keras_effspine.training.train import train

pytestmark = pytest.mark.integration


def test_another_task_trains_and_leaves_a_run_folder(counting_recipe, tmp_path):
    said = []
    folder, result = train(counting_recipe, tmp_path / "run", report=said.append, verbose=0)
    metrics = json.loads((folder.path / "metrics.json").read_text())
    assert metrics["result"] == result.metrics
    assert [entry["step"] for entry in metrics["history"]] == [4, 8]
    assert metrics["measured_on"] == "validation"
    assert len(json.loads((folder.path / "predictions.json").read_text())) == 4
    assert Image.open(folder.path / "examples.png").size[0] > 100
    assert folder.recipe.task == "counting"
    assert any("exactness" in line for line in said)


@pytest.mark.parametrize("broken", [1, 4])
def test_a_run_on_pictures_that_break_off_ends_and_names_them(
    counting_recipe, handful, tmp_path, broken
):
    images = shutil.copytree(handful.images, tmp_path / "images")
    for path in sorted(images.iterdir())[:broken]:
        path.write_bytes(path.read_bytes()[:2000])
    recipe = override(
        counting_recipe, {"data.images": str(images), "data.val_images": str(handful.images)}
    )
    with pytest.raises(DataError, match=r"cannot be decoded: .*000001\.png \(image 1\)"):
        train(recipe, tmp_path / "run", report=print, verbose=0)


def test_another_task_is_predicted_and_measured(counting_recipe, handful):
    task = find_task("counting")
    model = task.build_model(counting_recipe, handful.records.class_names)
    pairs = list(predict_records(task, model, handful.records, 64, batch_size=3))
    assert [record.image_id for record, _ in pairs] == [1, 2, 3, 4]
    seen = []
    evaluator = evaluate(
        task, model, handful.records, 64, batch_size=3, observe=lambda *pair: seen.append(pair)
    )
    assert [record.image_id for record, _ in seen] == [1, 2, 3, 4]
    assert len(evaluator.predictions()) == 4


def test_the_size_of_a_batch_changes_no_prediction(counting_recipe, handful):
    task = find_task("counting")
    model = task.build_model(counting_recipe, handful.records.class_names)
    found = [
        [output for _, output in predict_records(task, model, handful.records, 64, batch_size=size)]
        for size in (1, 3, 9)
    ]
    np.testing.assert_allclose(found[1:], [found[0]] * 2, rtol=1e-5)


def test_every_verb_serves_another_task_as_well(counting, handful, effspine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = ["--data", handful.file, "--images", handful.images]

    def runs(*arguments):
        ended = effspine(*arguments)
        assert (ended.status, ended.err) == (0, ""), arguments
        return ended.out

    checked = runs("data", "check", *data, "--task", "counting", "--out", "gallery.png")
    assert "No errors, no warnings." in checked or "warning" in checked
    assert Image.open("gallery.png").size[0] > 100
    options = ["--image-size", 64, "--batch-size", 2, "--steps", 2, "--set", "dropout=0.1"]
    trained = runs("train", "--task", "counting", *data, *options, "--out", "run")
    assert "counted with an error of" in trained
    recipe = json.loads((tmp_path / "run/run.json").read_text())["recipe"]
    assert (recipe["task"], recipe["options"]) == ("counting", {"dropout": 0.1})
    runs("evaluate", "run", *data, "--out", "measured.json")
    result = json.loads((tmp_path / "measured.json").read_text())["result"]
    assert result["count_error"] >= 0
    looked = runs("evaluate", "run", "--out", "look")
    assert looked.endswith("look/report.html\n")  # a page with the measurement alone
    assert "counted with an error of" in (tmp_path / "look/report.html").read_text()
    runs("predict", "run", handful.images, "--out", "drawn")
    drawn = sorted(path.name for path in (tmp_path / "drawn").iterdir())
    assert drawn == [*(f"{n:06d}.png" for n in range(1, 5)), "predictions.json"]
    counted = runs("profile", "--task", "counting", "--preset", "m0", "--out", "costs.json")
    assert "m0, counting of 91 classes at 256 px" in counted
    costs = json.loads((tmp_path / "costs.json").read_text())
    assert costs["total"]["parameters"] == 3 * 3 * 3 * 4 + 4 + 4 + 1


def test_an_option_of_another_task_is_refused_by_its_owners_name(counting, effspine, tmp_path):
    command = ["train", "--data", "shapes", "--out", tmp_path / "run"]
    foreign = effspine(*command, "--set", "dropout=0.1")
    assert foreign.status == 2
    assert "dropout is an option of counting; detection has class_weights, " in foreign.err
    own = effspine(*command, "--task", "counting", "--mosaic", 0.5)
    assert own.status == 2
    owners = "detection, semantic_segmentation and instance_segmentation"
    assert f"mosaic is an option of {owners}; counting has dr" in own.err


def test_a_task_that_joins_tiles_is_trained_and_measured_on_them(
    counting_recipe, tmp_path, monkeypatch
):
    recipe = override(counting_recipe, {"tiles": 64, "steps": 2})
    with pytest.raises(RecipeError, match=r"tiles: counting looks at pictures as a whole"):
        train(recipe, tmp_path / "run", report=print, verbose=0)
    assert not (tmp_path / "run").exists()
    seen = []

    def merge_tiles(self, outputs, windows, record):
        seen.append(windows)
        return sum(outputs)

    monkeypatch.setattr(Counting, "merge_tiles", merge_tiles)
    folder, _ = train(recipe, tmp_path / "run", report=print, verbose=0)
    assert folder.recipe.tiles == Tiles(size=64)
    assert len(seen) == 2 * 4  # both measurements, of four pictures
    assert all(len(windows) > 4 and windows[0][2:].tolist() == [64, 64] for windows in seen)


def test_a_run_is_measured_again_from_another_folder_than_it_was_started_in(
    counting, handful, effspine, tmp_path, monkeypatch
):
    monkeypatch.chdir(handful.file.parent)
    options = ["--image-size", 64, "--batch-size", 2, "--steps", 1, "--out", tmp_path / "run"]
    data = ["--data", "val.json", "--images", "val"]
    assert effspine("train", "--task", "counting", *data, *options).status == 0
    monkeypatch.chdir(tmp_path)
    evaluated = effspine("evaluate", "run")
    assert (evaluated.status, evaluated.err) == (0, "")
    assert "measured on the pictures it trains on" in evaluated.out
