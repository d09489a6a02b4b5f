"""Segmentation as a task, from data to a run folder, and through the command line."""

import dataclasses
import json
import types

import numpy as np
import pytest
from PIL import Image
from small_maps import label_map, write_mask_folder

import keras_effspine
from keras_effspine.data.loading import load_records
from keras_effspine.errors import DataError
from keras_effspine.results.class_maps import class_map
from keras_effspine.tasks.inference import evaluate, predict_records
from keras_effspine.tasks.registry import find_task
from keras_effspine.training.preset_values import resolve_preset
from keras_effspine.training.recipe import Data, Recipe, parse_recipe
from keras_effspine.training.train import train

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_mask_folder(tmp_path_factory.mktemp("data") / "blocks")


@pytest.fixture(scope="module")
def run(folder, ladder, overfit, tmp_path_factory):
    """A model that knows four pictures by heart: `folder`, `result`, `said`."""
    said = []
    recipe = overfit(
        Data(data=str(folder)),
        task="semantic_segmentation",
        preset=ladder,
        image_size=64,
        steps=100,
        evaluations=1,
    )
    path = tmp_path_factory.mktemp("runs") / "semantic_segmentation"
    run_folder, result = train(recipe, path, report=said.append, verbose=0)
    return types.SimpleNamespace(folder=run_folder, result=result, said=said)


def interpolated(logits, y, x):
    """Bilinear, one pixel at a time."""
    at = np.clip((y, x), 0, np.array(logits.shape[:2]) - 1)
    low = np.floor(at).astype(int)
    high, (down, across) = np.minimum(low + 1, np.array(logits.shape[:2]) - 1), at - low
    above = logits[low[0], low[1]] * (1 - across) + logits[low[0], high[1]] * across
    below = logits[high[0], low[1]] * (1 - across) + logits[high[0], high[1]] * across
    return above * (1 - down) + below * down


@pytest.mark.parametrize("strip", [2**22, 50])
def test_the_classes_of_pixels_are_those_of_interpolated_logits(monkeypatch, strip):
    monkeypatch.setattr("keras_effspine.results.class_maps._STRIP", strip)
    logits = np.random.default_rng(0).normal(size=(5, 7, 4)).astype("float32")
    found = class_map(logits, (0.3, 0.21), (13, 31))
    assert found.shape == (13, 31) and found.dtype == "uint8"
    for y in range(13):
        for x in range(31):
            values = interpolated(logits, (y + 0.5) * 0.3 - 0.5, (x + 0.5) * 0.21 - 0.5)
            assert values[found[y, x]] >= values.max() - 1e-5


@pytest.mark.parametrize("stride", [4, 8, 16, 32])
@pytest.mark.parametrize(("canvas", "size"), [(96, (40, 96)), (100, (33, 131)), (321, (640, 480))])
def test_the_stride_of_logits_is_what_their_number_says(stride, canvas, size):
    scale = canvas / max(size)
    places = -(-canvas // stride)
    logits = np.random.default_rng(0).normal(size=(1, places, places, 3)).astype("float32")
    record = types.SimpleNamespace(height=size[0], width=size[1])
    (found,) = find_task("semantic_segmentation").outputs(logits, np.array([[scale] * 2]), [record])
    expected = class_map(logits[0], (scale / stride,) * 2, size)
    np.testing.assert_array_equal(found, expected)


def test_a_decoder_is_a_value_of_the_recipe_or_of_the_preset():
    task, names = find_task("semantic_segmentation"), ("road", "car")
    values = {"task": "semantic_segmentation", "preset": "mobilenet_v2_deeplabv3"}
    small = {"width_multiplier": 0.05}
    recipe, start = resolve_preset(parse_recipe({**values, "backbone": small}))
    assert recipe.image_size == 512
    model = task.build_model(recipe, names, start)
    assert (model.decoder, model.atrous_rates, model.head_layers) == ("deeplab_v3", [], 0)
    recipe, start = resolve_preset(
        parse_recipe({**values, "backbone": small, "decoder": "deeplab_v3_plus"})
    )
    model = task.build_model(recipe, names, start)
    assert model.coarse_logits.shape[-1] == 2 and model.get_layer("decoder_low_conv")


def test_it_learns_pictures_by_heart(run, folder):
    assert run.result.metrics["mIoU"] > 0.8
    metrics = json.loads((run.folder.path / "metrics.json").read_text())
    assert metrics["result"]["mIoU"] == run.result.metrics["mIoU"]
    assert [one["name"] for one in metrics["result"]["per_class"]] == ["road", "car", "tree"]
    assert Image.open(run.folder.path / "examples.png").size[0] > 500
    found = json.loads((run.folder.path / "predictions.json").read_text())
    assert {one["image_id"] for one in found} == {"0", "1", "2", "3"}
    assert any("mIoU 0." in line for line in run.said)


def test_the_saved_model_predicts_what_was_measured(run, folder):
    model = keras_effspine.load_model(run.folder.path)
    images = np.array([np.asarray(Image.open(folder / f"images/{i}.png")) for i in range(4)])
    images = np.pad(images, [(0, 0), (0, 16), (0, 0), (0, 0)])  # as letterboxed
    classes = model.predict(images.astype("float32"), verbose=0).argmax(axis=-1)[:, :48]
    task, records = find_task("semantic_segmentation"), load_records(folder, labels=("semantic",))
    outputs = [output for _, output in predict_records(task, model, records, 64, batch_size=3)]
    assert np.mean(np.array(outputs) == classes) > 0.999, "the same but for ties"
    result = evaluate(task, model, records, 64, batch_size=3).result()
    assert result.metrics == pytest.approx(run.result.metrics, abs=1e-3)


def test_every_verb_of_the_command_line_knows_it(run, folder, effspine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    evaluated = effspine("evaluate", run.folder.path, "--data", folder, "--out", "measured.json")
    assert (evaluated.status, evaluated.err) == (0, "")
    assert "mIoU" in evaluated.out and "tree" in evaluated.out
    measured = json.loads((tmp_path / "measured.json").read_text())
    assert measured["result"]["mIoU"] == pytest.approx(run.result.metrics["mIoU"], abs=1e-3)

    predicted = effspine("predict", run.folder.path, folder / "images/0.png", "--out", "seen.png")
    assert (predicted.status, predicted.err) == (0, "")
    assert Image.open("seen.png").mode == "RGB"
    labels = np.asarray(Image.open("seen-labels.png"))
    truth = label_map(0)
    assert labels.shape == truth.shape
    assert np.mean((labels == truth)[truth != 255]) > 0.8

    drawn = effspine("predict", run.folder.path, "--data", folder, "--out", "drawn")
    assert (drawn.status, drawn.err) == (0, "")
    names = {path.name for path in (tmp_path / "drawn").iterdir()}
    assert names == {
        "predictions.json",
        *(f"{i}{e}.png" for i in range(4) for e in ("", "-labels")),
    }

    profiled = effspine(
        "profile", "--preset", "m0", "--task", "semantic_segmentation", "--classes", 21
    )
    assert (profiled.status, profiled.err) == (0, "")
    assert "segmentation of 21 classes" in profiled.out


def test_a_model_takes_its_backbone_from_a_detection_run(trained_run):
    best = keras_effspine.load_model(trained_run.folder.path / "best.keras", compile=False)
    recipe, start = resolve_preset(
        Recipe(task="semantic_segmentation", preset=str(trained_run.folder.path))
    )
    assert recipe.image_size == 128, "the detector's"
    model = find_task("semantic_segmentation").build_model(recipe, ("road", "car"), start)
    transfer = start.hand_over(model, ("road", "car"))
    assert {layer.name.split("_layer")[0] for layer in transfer.anew} == {
        "segmentation_head",
        "segmentation_head_prediction",
    }
    ours, theirs = ({w.path: np.array(w) for w in m.weights} for m in (model, best))
    backbone = [weight.path for weight in best.backbone.weights]
    assert len(backbone) > 100
    for path in backbone:
        np.testing.assert_array_equal(ours[path], theirs[path], err_msg=path)


def test_of_a_segmentation_run_all_but_other_classes_is_kept(run):
    recipe, start = resolve_preset(
        Recipe(task="semantic_segmentation", preset=str(run.folder.path))
    )
    task, names = find_task("semantic_segmentation"), start.class_names
    same = start.hand_over(task.build_model(recipe, names, start), names)
    assert (same.anew, same.unused) == ((), ())
    other = start.hand_over(task.build_model(recipe, ("a", "b", "c"), start), ("a", "b", "c"))
    assert [layer.name for layer in other.anew] == ["segmentation_head_prediction"]


def test_data_check_looks_through_label_maps(folder, effspine, tmp_path):
    good = effspine("data", "check", "--data", folder, "--out", tmp_path / "gallery.png")
    assert (good.status, good.err) == (0, "")
    assert "not labelled" in good.out and "No errors, no warnings." in good.out
    assert Image.open(tmp_path / "gallery.png").size[0] > 100
    broken = write_mask_folder(tmp_path / "broken", names="road\ncar\ntree\nsea\n")
    Image.fromarray(np.full((48, 64), 9, "uint8")).save(broken / "masks/2.png")
    bad = effspine("data", "check", "--data", broken, "--out", tmp_path / "gallery.png")
    assert bad.status == 1
    found = "".join(bad.out.replace("│", "").split())  # lines are cut to the terminal's width
    assert "error" in found and "holdsthelabel9" in found
    assert "warning" in found and "sea" in found


def test_the_shapes_are_data_for_it(small_shapes, effspine):
    found = effspine("data", "check", "--data", "shapes", "--task", "semantic_segmentation")
    assert (found.status, found.err) == (0, "")
    assert "background" in found.out
    unknown = effspine("data", "check", "--data", "shapes", "--task", "painting")
    assert unknown.status == 2 and "there are: detection" in unknown.err


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({0: 0, 1: 0, 2: 0, 255: 255}, "the label maps hold road alone and ignored pixels"),
        ({0: 255, 1: 255, 2: 255, 255: 255}, "the label maps hold no class alone and ignored"),
    ],
)
def test_maps_that_teach_nothing_are_refused(tmp_path, values, message):
    folder = write_mask_folder(tmp_path)
    for index in range(4):
        table = np.zeros(256, "uint8")
        table[list(values)] = list(values.values())
        Image.fromarray(table[label_map(index)]).save(folder / f"masks/{index}.png")
    with pytest.raises(DataError, match=f"{message}.*The value 255 is ignored"):
        find_task("semantic_segmentation").check(load_records(folder, labels=("semantic",)))


def test_data_without_label_maps_are_refused(handful, folder):
    task = find_task("semantic_segmentation")
    with pytest.raises(DataError, match="has no label map to learn from"):
        task.check(handful.records)
    task.check(load_records(folder, labels=("semantic",)))


def test_a_broken_truth_is_shown_as_nothing(folder):
    records = load_records(folder, labels=("semantic",))
    record = records.records[0]
    broken = dataclasses.replace(record.semantic_map, path=folder / "classes.txt")
    truth = find_task("semantic_segmentation").truth(
        dataclasses.replace(record, semantic_map=broken)
    )
    assert (truth == 255).all() and truth.shape == (48, 64)
