"""Exported files run without TensorFlow and Keras, and bad ones are refused in one line."""

import dataclasses
import json
import os
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from keras_effspine.errors import ModelFileError
from keras_effspine.runners import metadata, model_file
from keras_effspine.runners.metadata import Metadata
from keras_effspine.runners.model_file import ModelFile

WITHOUT = "import sys; sys.modules.update(dict.fromkeys(('tensorflow', 'keras', 'keras_cv')));"


def python(program, *arguments):
    """Runs a program in a process in which neither TensorFlow nor Keras can be imported."""
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT + program, *map(str, arguments)],
        env={**os.environ, "COLUMNS": "200"},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    return run.stdout


def test_nothing_but_a_saved_models_runner_names_tensorflow_or_keras():
    for path in pathlib.Path(model_file.__file__).parent.glob("*.py"):
        if path.name != "saved_model.py":
            assert not re.search(r"(import|from) (tensorflow|keras|keras_cv)\b", path.read_text())


def test_importing_it_takes_less_than_half_a_second():
    program = (
        "import time; start = time.process_time(); import keras_effspine;"
        "keras_effspine.ModelFile; print(time.process_time() - start)"
    )
    assert min(float(python(program)) for _ in range(2)) < 0.5


@pytest.mark.integration
@pytest.mark.parametrize("format", ["litert", "onnx", "openvino"])
def test_a_picture_is_predicted_and_drawn_without_tensorflow(exported, tmp_path, format):
    file, _ = exported("detection", format)
    random = np.random.default_rng(0)
    Image.fromarray(random.integers(0, 255, (90, 120, 3)).astype("uint8")).save(tmp_path / "a.png")
    program = (
        "from keras_effspine.cli.main import main;"
        "sys.argv = ['effspine', 'predict', *sys.argv[1:]]\n"
        "try: main()\nexcept SystemExit as ended: assert not ended.code, ended.code"
    )
    said = python(program, file, tmp_path / "a.png", "--out", tmp_path / "b.png")
    assert said.startswith(f"Model: {file} (float32, of ")
    assert said.endswith(f"1 drawn: {tmp_path / 'b.png'}\n")
    assert Image.open(tmp_path / "b.png").size[0] >= 120


@pytest.mark.integration
def test_a_folder_is_predicted_as_by_the_model(exported, handful, effspine, tmp_path):
    file, _ = exported("classification", "litert")
    answer = effspine("predict", file, handful.images, "--out", tmp_path / "drawn")
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.endswith(f"4 drawn: {tmp_path / 'drawn'}\n")
    assert (tmp_path / "drawn" / "predictions.json").is_file()


@pytest.mark.integration
def test_a_file_that_breaks_off_is_counted_and_the_others_are_predicted(
    exported, handful, effspine, tmp_path
):
    file, _ = exported("classification", "litert")
    pictures = tmp_path / "in"
    pictures.mkdir()
    for number, path in enumerate(sorted(handful.images.iterdir())):
        content = path.read_bytes()
        (pictures / path.name).write_bytes(content[: len(content) // 2] if not number else content)
    answer = effspine("predict", file, pictures, "--out", tmp_path / "drawn")
    assert answer.status == 1
    assert "skipped: " in answer.out
    assert answer.out.endswith(f"3 drawn: {tmp_path / 'drawn'}\n")


@pytest.mark.integration
def test_what_one_picture_shows_is_in_its_own_pixels(exported):
    model = ModelFile(exported("detection", "litert")[0])
    image = np.random.default_rng(0).integers(0, 255, (100, 200, 3)).astype("uint8")
    found = model(image)
    assert found["boxes"].shape == (len(found["scores"]), 4)
    assert found["boxes"][:, 2].max() > 64  # beyond the network's own 64 px
    assert (found["boxes"] <= [200, 100, 200, 100]).all()
    assert (np.diff(found["scores"]) <= 0).all()
    segmented = ModelFile(exported("segmentation", "litert")[0])(image)
    assert segmented["classes"].shape == (4, 8)
    with pytest.raises(ModelFileError, match="takes uint8 pictures"):
        model(image.astype("float32"))


@pytest.mark.integration
def test_pictures_of_another_size_are_refused(exported, images):
    model = ModelFile(exported("classification", "onnx")[0])
    with pytest.raises(ModelFileError, match=r"\(any number, 64, 64, 3\). Received: \(3, 60, 64"):
        model.run(images[:, :60])


@pytest.mark.integration
@pytest.mark.parametrize("format", ["litert", "onnx", "openvino"])
def test_damaged_files_are_named_in_one_line(exported, copy_of, format):
    file, _ = exported("classification", format)
    content = file.read_bytes()
    for damaged in (content[: len(content) // 3], b"", b"no model at all", b"\0" * 5000):
        path = copy_of(f"damaged{file.suffix}", damaged)
        with pytest.raises(ModelFileError, match="damaged") as raised:
            ModelFile(path)
        assert "\n" not in str(raised.value)


def test_files_of_others_say_that_they_are_not_ours(tmp_path):
    onnx = pytest.importorskip("onnx")
    value = onnx.helper.make_tensor_value_info("images", onnx.TensorProto.FLOAT, [1])
    other = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])
    node = onnx.helper.make_node("Identity", ["images"], ["y"])
    graph = onnx.helper.make_graph([node], "g", [value], [other])
    opset = [onnx.helper.make_opsetid("", 17)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=8), tmp_path / "o.onnx")
    with pytest.raises(ModelFileError, match="not written by `effspine export`"):
        ModelFile(tmp_path / "o.onnx")


@pytest.mark.parametrize(
    ("name", "message"),
    [("a.tflite", "there is no such file"), ("a.pt", "is no exported model")],
)
def test_what_is_not_there_or_no_model_is_refused(tmp_path, name, message):
    with pytest.raises(ModelFileError, match=message):
        ModelFile(tmp_path / name)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("format", "package"),
    [("litert", "ai-edge-litert"), ("onnx", "onnxruntime"), ("openvino", "openvino")],
)
def test_a_runtime_that_is_missing_is_named_with_its_extra(exported, monkeypatch, format, package):
    file, _ = exported("classification", format)
    for name in list(sys.modules):
        if name.partition(".")[0] == package.replace("-", "_"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package.replace("-", "_"), None)
    with pytest.raises(ModelFileError, match=rf"pip install 'keras-effspine\[{package}\]'"):
        ModelFile(file)


@pytest.mark.parametrize("text", [None, b"", b"{}", b"[1]", b'{"format": 2}', b'{"format": 1}'])
def test_metadata_of_others_are_refused(text):
    with pytest.raises(ModelFileError, match=r"^a\.onnx: ") as raised:
        Metadata.from_text(text, "a.onnx")
    assert "\n" not in str(raised.value)


def test_metadata_are_read_as_they_were_written():
    written = Metadata(
        *("m", "detection", ("a", "b"), 64, (90, 160), None, "int8"),
        inputs={"images": "RGB"},
        outputs={"box": "differences"},
        anchors=metadata.Anchors((8,), (24.0,), (1.0,), (0.5, 1.0), False, (0.1,) * 4, 4.0),
        suppression=metadata.Suppression(0.01, 0.5, 100, 100),
    )
    assert Metadata.from_text(written.as_text(), "a") == written
    more = dataclasses.replace(
        written, score_thresholds={"a": 0.375}, tiles={"size": 640, "overlap": 0.2, "whole": True}
    )
    assert Metadata.from_text(more.as_text(), "a") == more
    earlier = json.loads(written.as_text())
    del earlier["score_thresholds"], earlier["tiles"]  # files of before there were any
    assert Metadata.from_text(json.dumps(earlier), "a") == written
