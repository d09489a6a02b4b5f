"""The folder that a run leaves behind."""

import json
import os

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from mutations import mutated_file, outcome
from PIL import Image

import keras_effspine
from keras_effspine.atomic_file import write_file
from keras_effspine.errors import RunFolderError
from keras_effspine.optimizers import MovingAverages
from keras_effspine.training.history import History
from keras_effspine.training.recipe import Recipe
from keras_effspine.training.recipe_changes import differences
from keras_effspine.training.run_folder import RunFolder

RECIPE = Recipe(steps=3, seed=7)
RUN = {
    "keras_effspine": "1.0",
    "class_names": ["a", "ü"],
    "recipe": RECIPE.model_dump(mode="json"),
}

THOROUGH = settings(
    max_examples=int(os.environ.get("EFFSPINE_TEST_EXAMPLES", "150")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def broken(**changes):
    return json.dumps({**RUN, **changes}).encode()


@pytest.fixture
def folder(tmp_path):
    with RunFolder.claim(tmp_path / "runs" / "my run ü", RECIPE, ("a", "ü")) as folder:
        return folder


def test_a_new_folder_holds_recipe_and_classes_and_opens_again(folder):
    assert json.loads((folder.path / "run.json").read_text()) == {
        "keras_effspine": keras_effspine.__version__,
        "class_names": ["a", "ü"],
        "recipe": RECIPE.model_dump(mode="json"),
    }
    again = RunFolder.open(str(folder.path))
    assert (again.recipe, again.class_names) == (RECIPE, ("a", "ü"))


def test_an_empty_folder_may_be_there_already(tmp_path):
    (tmp_path / "run").mkdir()
    with RunFolder.claim(tmp_path / "run", RECIPE, ("a",)) as folder:
        assert folder.recipe == RECIPE


def test_a_folder_that_is_not_empty_is_refused_and_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(RunFolderError, match="not empty and holds no run to go on with; name"):
        with RunFolder.claim(tmp_path, RECIPE, ("a",)):
            pass
    assert os.listdir(tmp_path) == ["mine.txt"]


@pytest.mark.parametrize("path", ["file", "file/run"])
def test_a_file_in_the_place_of_the_folder_is_an_error(tmp_path, path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(RunFolderError, match=f"{path}: the run folder cannot be written"):
        with RunFolder.claim(tmp_path / path, RECIPE, ("a",)):
            pass


@pytest.mark.parametrize("path", ["nowhere", ".", "file"])
def test_what_is_no_run_folder_does_not_open(tmp_path, path):
    (tmp_path / "file").write_text("mine")
    words = "there is no such" if path == "nowhere" else r"not a run folder; it holds no run\.json"
    with pytest.raises(RunFolderError, match=words):
        RunFolder.open(tmp_path / path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"recipe', "not valid JSON"),
        (b"\xff\xfe\x00", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"[]", "was not written by a run, or changed: Input should be a valid dictionary"),
        (b"{}", "class_names: Field required; recipe: Field required"),
        (broken(recipe=3), "recipe: Input should be a valid dictionary .* \\(received: 3\\)"),
        (broken(recipe={"steps": 3, "unheard": 1}), "unheard"),
        (broken(recipe={"steps": 10**400}), "does not make sense: steps: "),
        (broken(recipe={"preset": "a\0b"}), "preset: cannot hold the character NUL"),
        (broken(recipe={"image_size": "x" * 300_000}), "image_size: .*xxx\\.\\.\\."),
        (broken(recipe={"y" * 300_000: 1}), "yyy\\.\\.\\.: Extra inputs are not permitted"),
        (broken(class_names="cat"), "class_names: Input should be a valid tuple"),
        (broken(class_names=[1]), r"class_names\.0: Input should be a valid string"),
        (broken(class_names=[]), "class_names: "),
    ],
)
def test_a_broken_run_file_is_named_with_what_is_wrong(folder, content, message):
    (folder.path / "run.json").write_bytes(content)
    with pytest.raises(RunFolderError, match=rf"run\.json: .*{message}") as raised:
        RunFolder.open(folder.path).recipe  # noqa: B018 (reading it is the test)
    assert len(str(raised.value).splitlines()) == 1
    assert len(str(raised.value)) < 1000


METRICS = {
    "measured_on": "validation",
    "source": "a.json",
    "step": 8,
    "best": {"step": 4, "AP": 0.5, "AP50": None},
    "history": [{"step": 4, "AP": 0.5, "AP50": None}, {"step": 8, "AP": 0.25, "AP50": 1}],
}


def test_measurements_are_read_as_they_were_written(folder):
    assert folder.metrics is None
    folder.write_json("metrics.json", METRICS)
    metrics = folder.metrics
    assert metrics.step == 8
    assert (metrics.best, metrics.history) == (METRICS["best"], METRICS["history"])
    assert list(metrics.best) == ["step", "AP", "AP50"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"history": []}, "history: List should have at least 1 item"),
        ({"history": {}}, "history: Input should be a valid list"),
        ({"history": [{"AP": 1}]}, r"history\.0: 'step' must be there"),
        ({"history": [{"step": 1.5, "AP": 1}]}, r"history\.0: 'step' must be there"),
        ({"history": [{"step": 1}]}, r"history\.0: holds no metric"),
        ({"best": {"step": 1, "AP": "x" * 300_000}}, "best.AP"),
        ({"best": {"step": 1, "AP": float("nan")}}, "best.AP"),
        ({"step": -1}, "step: "),
        ({"measured_on": None}, "measured_on: "),
    ],
)
def test_measurements_that_make_no_sense_are_named(folder, changes, message):
    folder.write_json("metrics.json", {**METRICS, **changes})
    with pytest.raises(RunFolderError, match=rf"metrics\.json: .*{message}") as raised:
        folder.metrics  # noqa: B018 (reading it is the test)
    assert len(str(raised.value)) < 1000


@THOROUGH
@given(content=mutated_file(METRICS))
def test_whatever_stands_in_the_measurements_is_read_or_one_error(folder, content):
    (folder.path / "metrics.json").write_bytes(content)
    metrics = outcome(lambda: folder.metrics)
    if metrics is not None:
        history = History(metrics.history, 2)
        assert isinstance(history.best["step"], int)
        assert history.is_exhausted in (True, False)
        history.add(6, {"AP": 0.5})
        json.dumps(history.entries, allow_nan=False)


@THOROUGH
@given(content=mutated_file(RUN))
def test_whatever_stands_in_the_run_file_is_read_or_one_error(folder, content):
    (folder.path / "run.json").write_bytes(content)
    recipe = outcome(lambda: folder.recipe)
    class_names = outcome(lambda: folder.class_names)
    if recipe is not None:
        assert class_names
        assert all(isinstance(name, str) for name in class_names)
        assert differences(recipe, recipe) == []


def test_a_model_is_read_as_it_was_written(folder):
    model = keras.Sequential([keras.Input([3]), keras.layers.Dense(2)])
    folder.write_model(model, MovingAverages(model))
    again = folder.read_model()
    assert not again.compiled
    np.testing.assert_array_equal(again.get_weights()[0], model.get_weights()[0])


def test_a_run_without_a_model_says_so(folder):
    with pytest.raises(RunFolderError, match=r"model\.keras: no such file"):
        folder.read_model()


@pytest.mark.parametrize("kept", [0, 20, 0.5])
def test_a_model_file_that_is_cut_short_is_named(folder, kept):
    model = keras.Sequential([keras.Input([3]), keras.layers.Dense(2)])
    folder.write_model(model, MovingAverages(model))
    content = folder.model_file.read_bytes()
    folder.model_file.write_bytes(content[: int(len(content) * kept) if kept < 1 else kept])
    with pytest.raises(RunFolderError, match=r"model\.keras: cannot be loaded"):
        folder.read_model()


def test_pictures_are_written_as_png(folder):
    image = np.random.default_rng(0).integers(0, 256, (5, 6, 3)).astype("uint8")
    folder.write_image("examples.png", image)
    np.testing.assert_array_equal(Image.open(folder.path / "examples.png"), image)


@pytest.mark.parametrize("failure", [OSError("disk full"), KeyboardInterrupt(), ValueError("x")])
def test_a_save_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, failure):
    target = tmp_path / "file.txt"
    target.write_text("old")

    def save(path):
        path.write_text("half")
        raise failure

    wanted = RunFolderError if isinstance(failure, OSError) else type(failure)
    with pytest.raises(wanted, match="disk full" if wanted is RunFolderError else None):
        write_file(target, save)
    assert os.listdir(tmp_path) == ["file.txt"]
    assert target.read_text() == "old"


def test_a_file_is_written_into_folders_that_are_made_for_it(tmp_path):
    write_file(tmp_path / "a" / "b.txt", lambda path: path.write_text("new"))
    assert (tmp_path / "a" / "b.txt").read_text() == "new"


@pytest.mark.parametrize("place", ["file/below.txt", "folder"])
def test_a_place_that_cannot_be_written_is_named(tmp_path, place):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    with pytest.raises(RunFolderError, match=f"{place}: cannot be written"):
        write_file(tmp_path / place, lambda path: path.write_text("new"))
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]
