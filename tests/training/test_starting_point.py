"""Training that starts from weights: of presets, of preset folders, and of other runs."""

import json
import shutil
import sys
import types

import keras
import numpy as np
import pytest
from counting_task import Counting
from keras_cv.src.utils.preset_utils import save_to_preset
from ladder import Ladder

import keras_effspine
from keras_effspine import RetinaNet
from keras_effspine.errors import PresetError, RecipeError, StoppedError
from keras_effspine.optimizers import SGD
from keras_effspine.pretrained.find_pretrained import find_pretrained
from keras_effspine.tasks import registry
from keras_effspine.tasks.backbone import build_backbone
from keras_effspine.tasks.detection import Detection
from keras_effspine.training.checkpoint import Checkpoint
from keras_effspine.training.freezing import freeze
from keras_effspine.training.preset_values import resolve_preset
from keras_effspine.training.recipe import Recipe
from keras_effspine.training.recipe_changes import override
from keras_effspine.training.train import train

pytestmark = pytest.mark.integration

CLASS_PREDICTION = "classification_head_prediction"


def named_weights(model):
    return {weight.path: np.array(weight) for weight in model.weights}


def assert_shared(source, target, but=()):
    """The weights of the target that the source has too are the source's; returns their number."""
    source, target = named_weights(source), named_weights(target)
    shared = [n for n in target if n in source and n.split("/")[0] not in but]
    for name in shared:
        np.testing.assert_array_equal(target[name], source[name], err_msg=name)
    return len(shared)


@pytest.fixture(scope="module")
def detector():
    """A small detector with the classes cat and dog, of which no weight is an initial one."""
    keras.utils.set_random_seed(1)
    backbone = Ladder(activation="relu")
    model = RetinaNet(backbone, 2, "xywh", head_layers=1)
    for weight in model.weights:
        weight.assign(weight + 0.25)
    return model


@pytest.fixture(scope="module")
def folder(detector, tmp_path_factory):
    """A preset folder with it, trained at 64 px."""
    folder = tmp_path_factory.mktemp("presets") / "pets"
    save_to_preset(detector, str(folder))
    trained = {"class_names": ["cat", "dog"], "task": "detection"}
    (folder / "metadata.json").write_text(json.dumps({"input_size": 64, "trained": trained}))
    return folder


@pytest.fixture(scope="module")
def run(detector, folder, tmp_path_factory):
    """A run folder as training leaves it, with the detector as its best model."""
    run = tmp_path_factory.mktemp("runs") / "pets"
    run.mkdir()
    detector.save(run / "best.keras")
    other = RetinaNet.from_preset(folder, load_weights=False)
    other.save(run / "model.keras")
    recipe, _ = resolve_preset(Recipe(preset=str(folder), steps=4))
    content = {
        "keras_effspine": "0",
        "class_names": ["cat", "dog"],
        "recipe": recipe.model_dump(mode="json"),
    }
    (run / "run.json").write_text(json.dumps(content))
    return run


@pytest.mark.parametrize("kind", ["folder", "run"])
def test_the_same_classes_start_from_every_weight(request, kind, detector):
    source = request.getfixturevalue(kind)
    recipe, start = resolve_preset(Recipe(preset=str(source)))
    assert (recipe.image_size, recipe.backbone) == (64, {})
    model = Detection().build_model(recipe, ("cat", "dog"), start)
    assert model.backbone.activation == "relu"
    transfer = start.hand_over(model, ("cat", "dog"))
    assert (transfer.anew, transfer.unused) == ((), ())
    assert assert_shared(detector, model) == len(model.weights) == len(detector.weights)
    assert (model.head_layers, model.bounding_box_format) == (1, "xyxy")


def test_a_run_gives_its_best_model_and_where_it_kept_none_the_last(run, tmp_path):
    start = find_pretrained(str(run))
    assert start.name == f"{run} (best.keras)"
    shutil.copytree(run, tmp_path / "run")
    (tmp_path / "run" / "best.keras").unlink()
    assert find_pretrained(str(run), last=True).name == f"{run} (model.keras)"
    last = find_pretrained(str(tmp_path / "run"))
    assert last.name.endswith("(model.keras)")
    difference = last.read_model().get_weights()[0] - start.read_model().get_weights()[0]
    assert np.abs(difference).max() > 0.1


@pytest.mark.parametrize("names", [("a", "b", "c"), ("dog", "cat")])
def test_of_other_classes_only_the_prediction_starts_anew(names, folder, detector):
    recipe, start = resolve_preset(Recipe(preset=str(folder)))
    model = Detection().build_model(recipe, names, start)
    before = named_weights(model)
    transfer = start.hand_over(model, names)
    assert [layer.name for layer in transfer.anew] == [CLASS_PREDICTION]
    assert f"{CLASS_PREDICTION} (" in str(transfer)  # with the reason
    shared = assert_shared(detector, model, but=(CLASS_PREDICTION,))
    assert shared == len(model.weights) - 3
    for name, value in named_weights(model).items():
        assert np.array_equal(value, before[name]) == name.startswith(CLASS_PREDICTION)


def test_a_recipe_changes_what_keeps_the_variables(folder, detector):
    recipe, start = resolve_preset(
        Recipe(
            preset=str(folder),
            batch_norm_momentum=0.7,
            backbone={"stochastic_depth_rate": 0.3, "activation": "swish"},
        )
    )
    model = Detection().build_model(recipe, ("cat", "dog"), start)
    backbone = model.backbone
    assert backbone.stochastic_depth_rate == 0.3
    assert backbone.batch_norm_momentum == 0.7
    assert backbone.activation == "swish"
    assert start.hand_over(model, ("cat", "dog")).anew == ()
    assert assert_shared(detector, model) == len(detector.weights)
    assert backbone.get_layer("stem_bn").momentum == 0.7


def test_layers_that_a_recipe_takes_away_are_named(folder):
    recipe, start = resolve_preset(
        Recipe(preset=str(folder), backbone={"squeeze_excitation_ratio": None})
    )
    model = Detection().build_model(recipe, ("cat", "dog"), start)
    transfer = start.hand_over(model, ("cat", "dog"))
    assert transfer.anew == ()
    assert transfer.unused and all("_se_" in name for name in transfer.unused)


def test_a_backbone_starts_a_detector_and_a_detector_another_task(detector, folder, tmp_path):
    save_to_preset(detector.backbone, str(tmp_path / "backbone"))
    recipe, start = resolve_preset(Recipe(preset=str(tmp_path / "backbone"), image_size=64))
    model = Detection().build_model(recipe, ("a",), start)
    transfer = start.hand_over(model, ("a",))
    assert all("_head_" in layer.name for layer in transfer.anew)
    assert assert_shared(detector.backbone, model) == len(detector.backbone.weights)

    recipe, start = resolve_preset(Recipe(preset=str(folder)))
    backbone = build_backbone(recipe, start)
    number = keras.layers.Dense(1)(keras.layers.GlobalAveragePooling2D()(backbone.output))
    model = keras.Model(backbone.inputs, number)
    transfer = start.hand_over(model, ("a",))
    assert [layer.name.rstrip("_0123456789") for layer in transfer.anew] == ["dense"]
    assert assert_shared(detector, model) == len(backbone.weights)


def test_an_architecture_brings_no_weights():
    start = find_pretrained("m0")
    assert start.weights is None
    assert start.hand_over(None, ()) is None


def test_a_run_without_a_model_and_a_foreign_model_are_named(run, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    shutil.copy(run / "run.json", empty)
    with pytest.raises(PresetError, match="empty: the run holds no model yet"):
        find_pretrained(str(empty))
    broken = tmp_path / "broken"
    shutil.copytree(run, broken)
    (broken / "best.keras").write_bytes(b"half")
    with pytest.raises(PresetError, match="best.keras: cannot be read as the model of a run"):
        find_pretrained(str(broken))
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    save_to_preset(model, str(tmp_path / "foreign"))
    with pytest.raises(PresetError, match="foreign: holds a Sequential, which has no backbone"):
        resolve_preset(Recipe(preset=str(tmp_path / "foreign")))


class CountingOnABackbone(Counting):
    """A task that takes its backbone as tasks do, and is not traced, which would take a minute."""

    def build_model(self, recipe, class_names, start):
        backbone = build_backbone(recipe, start)
        x = keras.layers.GlobalAveragePooling2D()(backbone.output)
        return keras.Model(backbone.inputs, keras.layers.Dense(1, name="number")(x))

    def compile_model(self, model, recipe, optimizer):
        model.compile(optimizer, "mse", run_eagerly=True)


@pytest.fixture
def fine_tuning(handful, folder, tmp_path, monkeypatch):
    """A recipe of one step that hardly moves the weights, and the preset that it starts from."""
    source = shutil.copytree(folder, tmp_path / "source")
    monkeypatch.setitem(registry.TASKS, "counting", (__name__, "CountingOnABackbone"))
    recipe = override(
        Recipe(),
        {
            "task": "counting",
            "preset": str(source),
            "data.data": str(handful.file),
            "data.images": str(handful.images),
            "batch_size": 2,
            "steps": 1,
            "evaluations": 1,
            "optimization.optimizer": "sgd",  # whose eager steps take half the time
            "optimization.learning_rate": 1e-9,
            "optimization.weight_decay": 0.0,
        },
    )
    return recipe, source


def test_a_run_starts_from_a_preset_says_so_and_goes_on_without_it(fine_tuning, detector, tmp_path):
    recipe, source = fine_tuning
    said = []
    out = tmp_path / "out"
    folder, _ = train(recipe, out, report=said.append, verbose=0)
    (line,) = [line for line in said if line.startswith("Weights from ")]
    assert line.startswith(f"Weights from {source}: ")
    assert "initialised anew: number" in line and "not used: " in line
    model, start = keras_effspine.load_model(out, last=True), named_weights(detector)
    for weight in model.trainable_weights:
        if not weight.path.startswith("number"):
            value = np.asarray(weight)
            np.testing.assert_allclose(value, start[weight.path], atol=1e-5, err_msg=weight.path)
    assert folder.recipe.image_size == 64

    # The run has its own weights now: another value in them shows that these are gone on with.
    model.get_layer("stem_conv").kernel.assign(model.get_layer("stem_conv").kernel + 1.0)
    model.save(out / "model.keras")
    shutil.rmtree(source)
    said.clear()
    train(recipe, out, report=said.append, verbose=0)
    assert not any("Weights" in line for line in said)
    kernel = keras_effspine.load_model(out, last=True).get_layer("stem_conv").kernel
    np.testing.assert_array_equal(kernel, model.get_layer("stem_conv").kernel)
    with pytest.raises(PresetError, match="Unknown preset"):
        train(recipe, tmp_path / "another", report=said.append, verbose=0)


def test_a_run_fetches_its_preset_once(counting_recipe, folder, tmp_path, monkeypatch):
    snapshot = shutil.copytree(folder, tmp_path / "hub" / "snapshots" / "abc")
    asked = []

    def snapshot_download(repository, **options):
        asked.append(repository)
        return str(snapshot)

    hub = types.SimpleNamespace(snapshot_download=snapshot_download)
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    recipe, said = override(counting_recipe, {"preset": "hf://me/pets"}), []
    train(recipe, tmp_path / "out", report=said.append, verbose=0)
    assert any(line.startswith("Weights from hf://me/pets: ") for line in said)
    assert asked == ["me/pets"]


def test_weights_that_cannot_be_loaded_end_the_run_before_it_starts(fine_tuning, tmp_path):
    recipe, source = fine_tuning
    (source / "model.weights.h5").write_bytes(b"half")
    with pytest.raises(PresetError, match=r"source/model\.weights\.h5: cannot be loaded"):
        train(recipe, tmp_path / "out", report=print, verbose=0)


CLASSES = ("a", "b", "c")


def frozen_detector(folder, frozen):
    """A detector of other classes that starts from the preset folder, with a step taken."""
    keras.utils.set_random_seed(2)
    recipe, start = resolve_preset(Recipe(preset=str(folder), image_size=64, frozen=frozen))
    model = Detection().build_model(recipe, CLASSES, start)
    transfer = start.hand_over(model, CLASSES)
    said = freeze(model, frozen, transfer, recipe.preset)
    model.compile(
        optimizer=SGD(0.01), classification_loss="focal", box_loss="smoothl1", run_eagerly=True
    )
    before = named_weights(model)
    images = np.random.default_rng(0).uniform(0, 255, (2, 64, 64, 3))
    boxes = np.tile([[[10.0, 10.0, 50.0, 50.0]]], (2, 1, 1))
    model.train_on_batch(images, {"boxes": boxes, "classes": np.ones((2, 1))})
    after = named_weights(model)
    moved = {name for name in after if not np.array_equal(after[name], before[name])}
    return model, moved, said


@pytest.mark.parametrize("frozen", ["backbone", "batch_norm"])
def test_what_is_frozen_keeps_its_weights_and_statistics_and_the_rest_learns(
    folder, frozen, tmp_path, recwarn
):
    model, moved, said = frozen_detector(folder, frozen)
    of_backbone = {weight.path for weight in model.backbone.weights}
    statistics = {weight.path for weight in model.weights if "_bn/" in weight.path}
    kept = of_backbone if frozen == "backbone" else statistics
    assert len(kept) > 40
    assert not moved & kept
    assert f"{CLASS_PREDICTION}/pointwise_kernel" in moved
    assert bool(moved & of_backbone) == (frozen == "batch_norm")
    assert bool(moved & statistics) == (frozen == "backbone")
    assert said.startswith(f"Frozen ({frozen}): ")
    # Loaded again it is frozen as before, and its optimizer fits.
    model.save(tmp_path / "model.keras")
    again = keras_effspine.load_model(tmp_path / "model.keras")
    assert not [str(w.message) for w in recwarn if "variable loading" in str(w.message)]
    assert int(again.optimizer.iterations) == 1
    names = [[w.path for w in m.trainable_weights] for m in (model, again)]
    assert names[0] == names[1]


def test_what_has_no_weights_cannot_be_frozen(detector, folder, tmp_path):
    with pytest.raises(RecipeError, match="frozen is 'backbone', but m0 brings no weights"):
        train(Recipe(steps=1, frozen="backbone"), tmp_path / "out", report=print, verbose=0)
    assert not (tmp_path / "out").exists()
    plain = keras.Sequential([keras.Input((3,)), keras.layers.BatchNormalization()])
    nothing = find_pretrained(str(folder)).hand_over(plain, CLASSES)
    with pytest.raises(RecipeError, match="frozen is 'batch_norm', but pets brings no weights"):
        freeze(plain, "batch_norm", nothing, "pets")
    with pytest.raises(RecipeError, match="frozen is 'backbone', but Sequential has no backbone"):
        freeze(plain, "backbone", nothing, "pets")


def test_a_run_that_goes_on_stays_frozen(fine_tuning, detector, tmp_path, monkeypatch):
    recipe, source = fine_tuning
    tame = RetinaNet.from_config(detector.get_config())  # the other's numbers run away
    for weight in tame.weights:
        if "_bn/" in weight.path:
            weight.assign(weight + 0.01)
    shutil.rmtree(source)
    save_to_preset(tame, str(source))
    values = {"frozen": "batch_norm", "steps": 2, "optimization.learning_rate": 0.1}
    recipe = override(recipe, {**values, "image_size": 64})
    save = Checkpoint.on_train_batch_end

    def stop(self, batch, logs=None):
        raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoint, "on_train_batch_end", stop)
    with pytest.raises(StoppedError):
        train(recipe, tmp_path / "out", report=print, verbose=0)
    monkeypatch.setattr(Checkpoint, "on_train_batch_end", save)
    train(recipe, tmp_path / "out", report=print, verbose=0)
    found, start = (
        named_weights(keras_effspine.load_model(tmp_path / "out", last=True)),
        named_weights(tame),
    )
    statistics = [name for name in found if "_bn/" in name]
    assert len(statistics) > 40
    for name in statistics:
        np.testing.assert_array_equal(found[name], start[name], err_msg=name)
    assert not np.array_equal(found["stem_conv/kernel"], start["stem_conv/kernel"])
