"""`effspine convert`, and a converted preset on its way through the other verbs."""

import json
import pathlib
import zipfile

import pytest
from PIL import Image

from keras_effspine.topology.coco_classes import coco_classes

pytestmark = pytest.mark.integration

WRITTEN = pathlib.Path(__file__).parents[1] / "checkpoints" / "written"


@pytest.fixture
def checkpoint(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile(WRITTEN / "tf2_mobile.zip") as archive:
        archive.extractall("google")
    return "google"


@pytest.mark.slow
def test_a_converted_preset_is_like_any_other(checkpoint, effspine, handful):
    answer = effspine("convert", checkpoint, "--out", "mine")
    assert (answer.status, answer.err) == (0, "")
    assert "SpineNet RetinaNet, TensorFlow 2 (tf-models-official)" in answer.out
    assert "activation hard_swish, epsilon 0.001, anchors of 4 strides, 128 px" in answer.out
    assert "averages taken of" in answer.out

    Image.new("RGB", (80, 60), (9, 99, 199)).save("photo.png")
    answer = effspine("predict", "mine", "photo.png", "--out", "drawn.png")
    assert (answer.status, answer.err) == (0, "")
    assert pathlib.Path("drawn.png").is_file()

    names = [name for _, name in coco_classes()]
    content = json.loads(handful.file.read_text())
    for category, name in zip(content["categories"], names, strict=False):
        category["name"] = name
    pathlib.Path("coco.json").write_text(json.dumps(content))
    data = ("--data", "coco.json", "--images", str(handful.images))
    answer = effspine("evaluate", "mine", *data, "--out", "measured.json")
    assert (answer.status, answer.err) == (0, "")
    assert "AP" in json.loads(pathlib.Path("measured.json").read_text())["result"]["stats"]

    answer = effspine(
        *("train", "--preset", "mine", *data, "--out", "run", "--steps", 1, "--batch-size", 2),
        *("--image-size", 128, "--val-data", "coco.json", "--val-images", str(handful.images)),
    )
    assert answer.status == 0, answer.err
    assert "layers loaded" in answer.out
    config = json.loads(pathlib.Path("run/run.json").read_text())
    assert config["class_names"][0] == "person"

    answer = effspine("export", "mine", "--format", "litert", "--out", "mine.tflite")
    assert answer.status == 0, answer.err
    answer = effspine("predict", "mine.tflite", "photo.png", "--out", "exported.png")
    assert answer.status == 0, answer.err
    assert pathlib.Path("exported.png").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere", "--out", "mine"], "nowhere: no such checkpoint"),
        (["google", "--out", "mine", "--config", "no.yaml"], "no.yaml: no such file of parameters"),
        (["google", "--out", "mine", "--activation", "gelu"], "the activation is 'gelu'"),
        (["google", "--out", "google"], "google: holds ckpt-1"),
    ],
)
def test_mistakes_end_in_one_line(checkpoint, effspine, arguments, message):
    answer = effspine("convert", *arguments)
    assert answer.status == 2
    assert message in answer.err and answer.err.count("\n") == 1
    assert not pathlib.Path("mine").exists()
