"""A run becomes a preset folder that others can use."""

import json
import shutil

import numpy as np
import pytest

import keras_effspine
from keras_effspine import EffSpineNetBackbone, RetinaNet
from keras_effspine.errors import RunFolderError
from keras_effspine.pretrained.find_trained import find_trained
from keras_effspine.pretrained.preset import read_preset
from keras_effspine.training.run_preset import save_run_as_preset

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def run(handful, tmp_path_factory):
    """A run folder as training leaves it, without the training."""
    folder = tmp_path_factory.mktemp("runs") / "mine"
    folder.mkdir()
    backbone = EffSpineNetBackbone(width_multiplier=0.1, endpoint_width=8)
    model = RetinaNet(backbone, len(handful.records.class_names), "xyxy", head_layers=0)
    model.save(folder / "model.keras")
    recipe = {
        "task": "detection",
        "preset": "m0",
        "data": {"data": str(handful.file), "images": str(handful.images)},
        "image_size": 64,
        "steps": 4,
        "batch_size": 4,
    }
    said = {"recipe": recipe, "class_names": list(handful.records.class_names)}
    (folder / "run.json").write_text(json.dumps({"keras_effspine": "0", **said}))
    best = {"step": 4, "AP": 0.5, "AP_small": None}
    measured = {"measured_on": "training", "step": 4, "best": best, "history": [best]}
    (folder / "metrics.json").write_text(json.dumps(measured))
    (folder / "thresholds.json").write_text(json.dumps({"last": {"disc": 0.375}}))
    return folder


def test_a_run_is_saved_with_what_it_measured_and_opens_as_a_trained_model(
    run, handful, tmp_path, effspine
):
    out = tmp_path / "shared"
    answer = effspine("presets", "save", run, "--out", out, "--licence", "CC0-1.0")
    assert answer.status == 0, answer.err
    assert f"Preset written to {out}: trained on val.json; AP 0.500 on its training" in answer.out
    preset = read_preset(out)
    assert (preset.title, preset.source) == (
        "Eff-SpineNet-M0 RetinaNet",
        "arXiv:2010.11426, Table 2",
    )
    assert preset.trained["measured"] == {"AP": 0.5}
    assert (preset.trained["steps"], preset.trained["licence"]) == (4, "CC0-1.0")
    assert str(handful.file.parent) not in (out / "metadata.json").read_text()
    trained = find_trained(str(out))
    assert trained.class_names == handful.records.class_names
    assert trained.image_size == 64
    assert trained.score_thresholds == {"disc": 0.375}
    model = keras_effspine.load_model(run)
    for one, other in zip(model.weights, trained.read_model().weights, strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


def test_the_best_model_is_saved_and_the_last_where_it_is_asked_for(run, tmp_path, effspine):
    two = shutil.copytree(run, tmp_path / "run")
    (two / "model.keras").rename(two / "best.keras")
    best = keras_effspine.load_model(two)
    last = keras_effspine.load_model(two)
    last.compile(optimizer="sgd", classification_loss="focal", box_loss="smoothl1")
    last.optimizer.iterations.assign(6)
    last.weights[0].assign(last.weights[0] + 1.0)
    last.save(two / "model.keras")
    history = [{"step": 4, "AP": 0.5}, {"step": 6, "AP": 0.25}]
    measured = {"measured_on": "validation", "step": 6, "best": history[0], "history": history}
    (two / "metrics.json").write_text(json.dumps(measured))
    for options, model, step, AP in (([], best, 4, 0.5), (["--last"], last, 6, 0.25)):
        answer = effspine("presets", "save", two, "--out", tmp_path / "out", *options)
        assert answer.status == 0, answer.err
        name = "model.keras" if options else "best.keras"
        assert f"({name}), of step {step}." in " ".join(answer.out.split())
        preset = read_preset(tmp_path / "out")
        assert (preset.trained["steps"], preset.trained["measured"]) == (step, {"AP": AP})
        saved = RetinaNet.from_preset(tmp_path / "out")
        np.testing.assert_array_equal(np.asarray(saved.weights[0]), np.asarray(model.weights[0]))
    (two / "metrics.json").write_text(json.dumps({**measured, "history": history[:1]}))
    with pytest.raises(RunFolderError, match="the last model, of step 6, has not been measured"):
        save_run_as_preset(two, tmp_path / "out", last=True)


def test_what_the_run_started_from_is_told(run, tmp_path):
    started = shutil.copytree(run, tmp_path / "run")
    content = json.loads((run / "run.json").read_text())
    content["recipe"]["preset"] = "m1_bccd"
    (started / "run.json").write_text(json.dumps(content))
    preset = save_run_as_preset(started, tmp_path / "out", data_name="four shapes")
    assert preset.trained["data"] == "four shapes, starting from m1_bccd"
    assert (preset.title, preset.source) == ("Eff-SpineNet RetinaNet", "arXiv:2010.11426")


def test_half_precision_is_measured_again_and_a_backbone_saved_alone(run, tmp_path):
    out = tmp_path / "backbone"
    preset = save_run_as_preset(
        run, out, backbone=True, half_precision=True, data_name="four shapes", report=print
    )
    assert (preset.class_name, preset.title) == ("EffSpineNetBackbone", "Eff-SpineNet-M0")
    assert preset.trained["data"] == "four shapes"
    assert 0 <= preset.trained["measured"]["AP"] < 0.5  # not what the run had measured
    backbone = EffSpineNetBackbone.from_preset(out)
    original = keras_effspine.load_model(run).backbone
    for one, other in zip(original.weights, backbone.weights, strict=True):
        rounded = np.asarray(one).astype("float16").astype("float32")
        np.testing.assert_array_equal(np.asarray(other), rounded)


def test_a_run_that_was_not_measured_and_what_is_no_run_are_refused(run, tmp_path, effspine):
    unmeasured = shutil.copytree(run, tmp_path / "run")
    (unmeasured / "metrics.json").unlink()
    with pytest.raises(RunFolderError, match="has not been measured yet"):
        save_run_as_preset(unmeasured, tmp_path / "out")
    answer = effspine("presets", "save", tmp_path / "nowhere", "--out", tmp_path / "out")
    assert answer.status == 2
    assert "nowhere: there is no such run folder" in answer.err
    with pytest.raises(RunFolderError, match="m1_bccd: a preset already"):
        save_run_as_preset("m1_bccd", tmp_path / "out")
    assert not (tmp_path / "out").exists()
