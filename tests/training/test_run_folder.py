"""The folder that a run leaves behind."""

import json
import os

import keras
import numpy as np
import pytest
from PIL import Image

import keras_effspine
from keras_effspine.atomic_file import write_file
from keras_effspine.errors import RunFolderError
from keras_effspine.optimizers import MovingAverages
from keras_effspine.training.recipe import Recipe
from keras_effspine.training.run_folder import RunFolder

RECIPE = Recipe(steps=3, seed=7)


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
        (b"[]", "holds no 'recipe'"),
        (b"{}", "holds no 'recipe'"),
        (b'{"recipe": 3}', "does not make sense"),
        (b'{"recipe": {"steps": 3, "unheard": 1}}', "unheard"),
    ],
)
def test_a_broken_run_file_is_named_with_what_is_wrong(folder, content, message):
    (folder.path / "run.json").write_bytes(content)
    with pytest.raises(RunFolderError, match=rf"run\.json: .*{message}") as raised:
        RunFolder.open(folder.path).recipe  # noqa: B018 (reading it is the test)
    assert len(str(raised.value).splitlines()) == 1


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
