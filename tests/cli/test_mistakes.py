"""Mistakes on the command line end in one clear line and status 2."""

import shutil

import keras
import pytest
from PIL import Image

from keras_effspine.training.recipe import Recipe
from keras_effspine.training.run_folder import RunFolder


@pytest.fixture
def place(tmp_path, monkeypatch, handful):
    """A working folder: data, pictures, a run with a model and a bare one, and what is none."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(handful.file, "data.json")
    shutil.copytree(handful.images, "pictures")
    (tmp_path / "cut.json").write_text(handful.file.read_text()[:500])
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    Image.new("RGB", (20, 10)).save("photo.png")
    recipe = Recipe(steps=1, image_size=64)
    for name in ("run", "bare"):
        with RunFolder.claim(name, recipe, handful.records.class_names):
            pass
    keras.Sequential([keras.Input((64, 64, 3))]).save("run/model.keras")
    return tmp_path


TRAIN = ["train", "--data", "data.json", "--images", "pictures", "--out", "new"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trian"], "No such command 'trian'. Did you mean 'train'? See effspine --help."),
        (["train"], "Missing option '--out'. See effspine train --help."),
        (["train", "--out"], "Option '--out' requires an argument. See effspine --help."),
        ([*TRAIN, "--nonsense"], "No such option: --nonsense"),
        ([*TRAIN, "more"], "unexpected extra argument"),
        ([*TRAIN, "--steps", "0"], "'--steps'"),
        ([*TRAIN, "--steps", "many"], "'--steps'"),
        ([*TRAIN, "--batch-size", "-1"], "'--batch-size'"),
        ([*TRAIN, "--image-size", "1"], "'--image-size'"),
        ([*TRAIN, "--steps", "3", "--epochs", "3"], "either steps or epochs"),
        ([*TRAIN, "--learning-rate", "-1"], "learning_rate"),
        ([*TRAIN, "--learning-rate", "inf"], "learning_rate"),
        ([*TRAIN, "--preset", "m9"], "Unknown preset 'm9'. Known presets: n0, n1, m0, "),
        ([*TRAIN, "--preset", "m9", "--image-size", "64"], "Unknown preset 'm9'"),
        ([*TRAIN, "--recipe", "soup"], "Unknown recipe 'soup'. There are: "),
        ([*TRAIN, "--task", "cooking"], "unknown task; there are: detection"),
        ([*TRAIN, "--seed", "-1"], "'--seed'"),
        ([*TRAIN, "--seed", "4294967296"], "seed"),
        ([*TRAIN, "--val-images", "pictures"], "val_images"),
        ([*TRAIN, "--out", "full"], "full: the folder is not empty"),
        ([*TRAIN, "--out", "photo.png"], "photo.png: the run folder cannot be written"),
        ([*TRAIN, "--out", "photo.png/run"], "run: the run folder cannot be written"),
        ([*TRAIN, "--data", "nowhere.json"], "nowhere.json"),
        ([*TRAIN, "--data", "cut.json"], "cut.json is not valid JSON (line 1, column"),
        (
            [*TRAIN, "--data", "photos"],
            "photos: there is no such file or folder; data must be 'shapes'; ",
        ),
        ([*TRAIN, "--split", "train"], "leave --split out"),
        ([*TRAIN, "--val-split", "val"], "has no parts; leave the split 'val' out"),
        ([*TRAIN, "--val-data", "data.json", "--val-split", "val"], "leave the split 'val' out"),
        ([*TRAIN, "--val-data", "shapes", "--val-split", "test"], "no split 'test'"),
        (["train", "--data", "empty", "--out", "new"], "not recognised; data must be "),
        (["data", "check"], "Name the data to check"),
        (["data", "check", "--data", "nowhere"], "nowhere: there is no such file or folder"),
        (["data", "check", "--data", "cut.json", "--images", "pictures"], "not valid JSON"),
        (["data", "check", "--data", "shapes", "--out", "a.jpg"], "end its name in .png"),
        (["data", "check", "--data", "shapes", "--images", "pictures"], "leave the folder out"),
        (["data", "check", "--data", "shapes", "--split", "test"], "no split 'test'"),
        (["data", "check", "--nonsense"], "See effspine data check --help."),
        (["data", "convert", "--to", "voc", "--out", "new"], "Name the data to convert"),
        (["data", "convert", "--data", "shapes", "--to", "csv", "--out", "new"], "csv: no known"),
        (["data", "convert", "--data", "shapes", "--to", "voc", "--out", "full"], "is not empty"),
        (["data", "convert", "--data", "shapes", "--to", "voc", "--out", "photo.png"], "not empty"),
        ([*TRAIN, "--data", "shapes"], "'shapes' brings its own pictures"),
        ([*TRAIN, "--images", "nowhere"], "nowhere: there is no such image folder"),
        ([*TRAIN, "--images", "empty"], "4 of the 4 pictures"),
        ([*TRAIN, "--val-data", "nowhere.json"], "nowhere.json"),
        (["train", "--data", "data.json", "--out", "new"], "--images"),
        (["train", "--split", "test", "--out", "new"], "no split 'test'; choose one of train, val"),
        (["evaluate"], "Missing argument 'run'"),
        (["evaluate", "nowhere"], "nowhere: there is no such run folder"),
        (["evaluate", "full"], "full: not a run folder"),
        (["evaluate", "run", "--split", "val"], "name the data as well"),
        (["evaluate", "run", "--images", "pictures"], "name the data as well"),
        (
            ["evaluate", "run", "--data", "data.json", "--images", "pictures", "--split", "val"],
            "leave --split out",
        ),
        (
            ["evaluate", "bare", "--data", "data.json", "--images", "pictures"],
            "model.keras: no such file",
        ),
        (["predict"], "Missing argument 'run'"),
        (["predict", "run"], "Name either a picture"),
        (["predict", "run", "photo.png", "--data", "data.json"], "Name either a picture"),
        (["predict", "run", "nowhere.png"], "nowhere.png: there is no such file or folder"),
        (["predict", "run", "text.png"], "text.png: not a readable picture"),
        (["predict", "run", "data.json"], "data.json: not a readable picture"),
        (["predict", "run", "empty"], "empty: the folder holds no pictures"),
        (["predict", "photo.png", "run"], "photo.png: not a run folder"),
        (["predict", "run", "photo.png", "--out", "boxes.gif"], "end its name in .png or .jpg"),
        (["predict", "run", "photo.png", "--out", "photo.png"], "would replace its picture"),
        (["predict", "run", "photo.png", "--out", "a.png", "--jpeg"], "leave --jpeg out"),
        (["predict", "run", "pictures", "--out", "pictures"], "would replace its picture"),
        (["predict", "run", "pictures", "--out", "photo.png"], "this is a file"),
        (["predict", "run", "photo.png", "--min-score", "high"], "'--min-score'"),
        (["train", "--out", "run", "--tiles", "large"], "such as 640 or 640:0.25"),
        (["predict", "bare", "photo.png"], "model.keras: no such file"),
    ],
)
def test_a_mistake_is_told_in_one_line(place, effspine, small_shapes, arguments, message):
    answer = effspine(*arguments)
    assert answer.status == 2
    assert message in answer.err
    assert answer.err.startswith("Error: ")
    assert answer.err.count("\n") == 1
    assert "Traceback" not in answer.out
    assert not (place / "new").exists()
    assert (place / "full" / "mine.txt").read_text() == "mine"


def test_a_name_is_printed_as_it_is_written(place, effspine):
    answer = effspine("predict", "run", "two  blanks [red] ü.png")
    assert answer.err == "Error: two  blanks [red] ü.png: there is no such file or folder.\n"


def test_an_interruption_ends_quietly(place, effspine, monkeypatch):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("keras_effspine.workflow.train.run_recipe", interrupt)
    answer = effspine(*TRAIN)
    assert (answer.status, answer.err) == (130, "")
