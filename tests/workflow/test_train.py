"""Training from Python, and the run that it leaves: one call each, resumable like the command."""

import types

import numpy as np
import pytest
from PIL import Image

import keras_effspine
from keras_effspine.errors import DataError, RecipeError, RunFolderError
from keras_effspine.workflow import train as module


@pytest.fixture
def data(handful):
    return keras_effspine.load_data(
        handful.file, images=handful.images, val_data=handful.file, report=lambda line: None
    )


@pytest.fixture
def chosen(monkeypatch):
    """Function that calls `train` and returns the recipe and the folder that it would train by."""
    seen = []
    monkeypatch.setattr(
        module, "run_recipe", lambda recipe, out, **_: seen.append((recipe, out)) or (None, None)
    )

    def call(*arguments, **values):
        keras_effspine.train(*arguments, **values)
        return types.SimpleNamespace(recipe=seen[-1][0], out=str(seen[-1][1]))

    return call


def test_values_of_the_recipe_go_by_their_names(chosen, data):
    by_name = chosen(
        data,
        preset="m1",
        recipe="fine_tune",
        steps=5,
        learning_rate=0.1,
        flip=False,
        box_loss="giou",
        optimization={"momentum": 0.8},
        **{"augmentation.photometric": 0.2, "backbone.activation": "relu"},
    ).recipe
    assert (by_name.preset, by_name.steps, by_name.patience) == ("m1", 5, 5)
    assert by_name.optimization.learning_rate == 0.1
    assert (by_name.optimization.momentum, by_name.optimization.warmup) == (0.8, 0.05)
    assert (by_name.augmentation.flip, by_name.augmentation.photometric) == (False, 0.2)
    assert (by_name.options.box_loss, by_name.backbone) == ("giou", {"activation": "relu"})
    assert by_name.data == data.named
    again = chosen(data, recipe=by_name, batch_size=4).recipe
    assert (again.batch_size, again.optimization) == (4, by_name.optimization)


def test_data_bring_their_task_unless_the_recipe_or_the_caller_does(chosen, data, tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        Image.new("RGB", (40, 30)).save(tmp_path / name / "1.png")
    labelled = keras_effspine.load_data(tmp_path, report=lambda line: None)
    assert chosen(labelled).recipe.task == "classification"
    assert chosen(labelled, recipe="voc_segmentation").recipe.task == "semantic_segmentation"
    assert chosen(data, task="instance_segmentation").recipe.task == "instance_segmentation"
    assert chosen(str(tmp_path)).recipe.task == "detection"  # of a path the recipe's
    assert chosen("shapes", val_split="train").recipe.data.val_split == "train"


def test_a_folder_is_named_after_data_and_preset(chosen, data, tmp_path):
    assert chosen("shapes").out == "runs/shapes-m0-detection"
    assert chosen(data, preset="m1").out == "runs/val-m1-detection"
    assert chosen("tfds:voc/2012").out == "runs/voc-2012-m0-detection"
    assert chosen(tmp_path / "my.export.tar.gz").out == "runs/my.export-m0-detection"
    assert chosen(tmp_path / "a/").out == "runs/a-m0-detection"
    assert chosen("shapes", out="mine").out == "mine"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"stepz": 3}, "no value 'stepz'; did you mean steps"),
        ({"optimization": {"momentun": 1}}, "no value 'optimization.momentun'; did you mean"),
        ({"learning_rate": 1, "optimization": {"learning_rate": 2}}, "given twice, by two names"),
        ({"learning_rate": -1}, "optimization.learning_rate: Input should be greater than 0"),
        ({"recipe": "soup"}, "Unknown recipe 'soup'"),
        ({"task": "cooking"}, "unknown task; there are"),
        ({"dropout_rate": 0.1}, "dropout_rate is an option of classification; detection has"),
    ],
)
def test_mistakes_are_named(values, message):
    with pytest.raises(RecipeError, match=message):
        keras_effspine.train("shapes", **values)


@pytest.fixture
def counted(counting, data, tmp_path):
    """Function that trains in seconds; its `said` is what was reported."""

    def call(**values):
        said = []
        run = keras_effspine.train(
            data,
            task="counting",
            out=tmp_path / "run",
            image_size=64,
            batch_size=3,
            evaluations=2,
            report=said.append,
            verbose=0,
            **{"steps": 20, **values},
        )
        call.said = said
        return run

    return call


@pytest.mark.integration
def test_a_run_is_looked_at_from_all_sides_and_goes_on(counted, data, handful, tmp_path):
    run = counted()
    assert [one["step"] for one in run.history] == [10, 20]
    assert list(run.metrics)[0] == "exactness"
    assert run.metrics == {
        k: v for k, v in max(run.history, key=lambda m: m["exactness"]).items() if k != "step"
    }
    assert run.result.metrics["count_error"] == run.history[-1]["count_error"]
    assert (run.task, run.class_names, run.recipe.steps) == ("counting", data.class_names, 20)
    assert f"{run.path}: counting of 6 classes by m0 at 64 px." in repr(run)
    assert "Best of 2 measurements" in run._repr_html_()
    assert run.show(2).size[0] > 100
    with pytest.raises(ValueError, match="must be 1 or more. Received: 0"):
        run.show(0)

    opened = keras_effspine.Run.open(run.path)
    assert repr(opened) == repr(run)
    silent = {"report": lambda line: None}
    again = opened.evaluate(**silent)
    assert again.metrics["exactness"] == pytest.approx(run.metrics["exactness"], rel=1e-4)
    assert again.as_json()["result"] == again.metrics
    assert "counted with an error of" in repr(again)
    assert opened.evaluate(data, **silent).metrics == again.metrics
    assert opened.evaluate(handful.file, handful.images, **silent).metrics == again.metrics
    found = opened.predict(handful.images)
    assert len(found) == 4
    assert found[0].plot().size == Image.open(handful.records.records[0].path).size
    assert isinstance(found[0].output, float)

    counted()
    assert any("20 steps of 3, of which 20 are done" in line for line in counted.said)
    with pytest.raises(RunFolderError, match="holds a run of another recipe"):
        counted(steps=30)


@pytest.mark.integration
def test_curves_are_drawn_of_what_tensorboard_gets(counted, tmp_path):
    pytest.importorskip("matplotlib")
    from keras_effspine.training.curve_file import read_curves

    run = counted()
    points = read_curves(run.folder.tensorboard / "training")
    assert [step for step, _ in points["loss"]] == [10, 20]
    assert all(np.isfinite(value) for _, value in points["loss"])
    drawn = run.curves()
    assert drawn.width > drawn.height > 200
    assert len(np.unique(np.asarray(drawn.convert("L")))) > 20
    bare = keras_effspine.Run.open(run.path)
    for file in (run.folder.tensorboard / "training").iterdir():
        file.unlink()
    with pytest.raises(RunFolderError, match="has no curves to draw yet"):
        bare.curves()


def test_a_run_that_was_not_measured_says_so(tmp_path, handful):
    from keras_effspine.training.recipe import Recipe
    from keras_effspine.training.run_folder import RunFolder

    with RunFolder.claim(tmp_path / "run", Recipe(steps=1, image_size=64), ("a",)):
        pass
    run = keras_effspine.Run.open(tmp_path / "run")
    assert (run.metrics, run.history) == ({}, [])
    assert repr(run).endswith("It has not been measured yet.")
    with pytest.raises(RunFolderError, match="there is no such run folder"):
        keras_effspine.Run.open(tmp_path / "nowhere")


@pytest.mark.integration
def test_the_model_of_a_run_answers_in_names(trained_run, handful):
    run = keras_effspine.Run.open(trained_run.folder.path)
    record = max(handful.records.records, key=lambda record: len(record.boxes))
    found = run.model.detect(record.path)
    truth = [handful.records.class_names[index] for index in record.classes[~record.is_crowd]]
    assert set(found.names) <= set(truth)
    assert len(found) > len(truth) / 2  # it has learnt these pictures by heart
    same = run.predict(record.path)
    assert same.names == found.names
    np.testing.assert_allclose(same.boxes, found.boxes, atol=0.5)
    pictures = [record.path, np.asarray(Image.open(record.path))]
    flipped = run.predict(pictures, flip=True, min_score=0.0)
    np.testing.assert_allclose(flipped[0].scores, flipped[1].scores, atol=1e-3)
    assert flipped[0].scores.max() != found.scores.max()  # both looks count


@pytest.mark.integration
def test_pictures_that_cannot_be_read_are_skipped_or_refused(trained_run, handful, tmp_path):
    run = keras_effspine.Run.open(trained_run.folder.path)
    paths = sorted(handful.images.iterdir())[:2]
    broken = tmp_path / "broken.png"
    broken.write_bytes(paths[0].read_bytes()[:2000])
    said = []
    assert len(run.predict([*paths, broken], report=said.append)) == 2
    assert said[0].startswith(f"skipped: {broken}")
    with pytest.raises(DataError, match="broken.png"):
        run.predict(broken)
