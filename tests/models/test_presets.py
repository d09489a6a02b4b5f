"""Presets: what is saved comes back bit by bit, and nothing else than that is loaded."""

import json
import os
import shutil
import sys
import types
import warnings

import h5py
import keras
import numpy as np
import pytest

import keras_effspine
from keras_effspine import EffSpineNetBackbone, ImageClassifier, RetinaNet, SemanticSegmenter
from keras_effspine.errors import PresetError
from keras_effspine.models import from_preset, preset_handle
from keras_effspine.models.preset_files import sha256_of
from keras_effspine.presets import registry
from keras_effspine.presets.registry import list_presets, read_preset

TRAINED = {
    "task": "detection",
    "data": "pets",
    "measured_on": "other pets",
    "measured": {"AP": 0.125},
    "licence": "CC0-1.0",
}


def outputs(model, images):
    found = model(images)
    return found if isinstance(found, dict) else {"output": found}


def assert_same_outputs(one, other, images):
    one, other = outputs(one, images), outputs(other, images)
    assert set(one) == set(other)
    for name in one:
        np.testing.assert_array_equal(np.asarray(one[name]), np.asarray(other[name]))


@pytest.fixture(scope="module")
def detector(tiny_detector):
    """A tiny detector, compiled and with the slots of an optimizer; not one weight is as made."""
    model = tiny_detector(seed=7)
    model.compile(optimizer="adam", classification_loss="focal", box_loss="smoothl1")
    model.optimizer.build(model.trainable_variables)
    for weight in model.weights:
        weight.assign(weight + np.random.default_rng(0).uniform(0.0, 0.1, weight.shape))
    return model


@pytest.fixture(scope="module")
def saved(detector, tmp_path_factory):
    folder = tmp_path_factory.mktemp("presets") / "pets"
    detector.save_to_preset(
        folder, class_names=["cat", "dog", "ü"], input_size=64, title="Pets", trained=TRAINED
    )
    return folder


@pytest.fixture(scope="module")
def eff_spinenet(small_eff_spinenet):
    """A small detector on an Eff-SpineNet."""
    keras.utils.set_random_seed(8)
    return RetinaNet(small_eff_spinenet(), 3, "xywh", head_layers=1)


@pytest.fixture
def copy(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "copy")


def change(file, **values):
    content = json.loads(file.read_text())
    file.write_text(json.dumps({**content, **values}))


def test_a_detector_comes_back_bit_by_bit(detector, saved, batch):
    loaded = RetinaNet.from_preset(saved)
    assert_same_outputs(detector, loaded, batch[0])
    assert loaded.get_config() == detector.get_config()
    assert not loaded.compiled


def test_a_backbone_comes_back_bit_by_bit_and_from_a_tasks_preset(eff_spinenet, batch, tmp_path):
    eff_spinenet.backbone.save_to_preset(tmp_path / "backbone")
    eff_spinenet.save_to_preset(tmp_path / "detector")
    for name in ("backbone", "detector"):
        loaded = EffSpineNetBackbone.from_preset(str(tmp_path / name))
        assert_same_outputs(eff_spinenet.backbone, loaded, batch[0])


@pytest.mark.parametrize(
    ("cls", "arguments"),
    [
        (SemanticSegmenter, {"head_layers": 1}),
        (ImageClassifier, {"pooling": "max", "activation": None, "dropout_rate": 0.2}),
    ],
)
def test_other_tasks_come_back_bit_by_bit(cls, arguments, eff_spinenet, batch, tmp_path):
    model = cls(eff_spinenet.backbone, num_classes=3, **arguments)
    for weight in model.weights:
        weight.assign(weight + np.random.default_rng(0).uniform(0.0, 0.1, weight.shape))
    model.save_to_preset(tmp_path / "mine", class_names=["a", "b", "c"], input_size=64)
    loaded = cls.from_preset(str(tmp_path / "mine"))
    assert np.isfinite(model(batch[0])).all()
    assert_same_outputs(model, loaded, batch[0])
    assert loaded.get_config() == model.get_config()


def test_the_folder_says_what_it_holds(detector, saved):
    assert {f.name for f in saved.iterdir()} == {
        "README.md",
        "config.json",
        "metadata.json",
        "model.weights.h5",
    }
    preset = read_preset(saved)
    assert (preset.class_name, preset.input_size, preset.title) == ("RetinaNet", 64, "Pets")
    assert preset.trained == {**TRAINED, "class_names": ["cat", "dog", "ü"]}
    assert preset.weights_sha256 == sha256_of(saved / "model.weights.h5")
    assert preset.parameters == detector.count_params()
    assert preset.versions == {
        "keras_effspine": keras_effspine.__version__,
        "keras": keras.__version__,
    }
    assert preset.preprocessing["channels"] == "RGB"
    card = (saved / "README.md").read_text()
    assert 'license_name: "CC0-1.0"' in card and "| AP | 0.125 |" in card
    assert "cat, dog, ü" in card and 'RetinaNet.from_preset("pets")' in card


def test_the_weights_are_without_the_optimizer(detector, saved, tmp_path):
    assert detector.optimizer.built
    with h5py.File(saved / "model.weights.h5") as file:
        assert "optimizer" not in file and "layers" in file
    uncompiled = RetinaNet.from_preset(saved)
    uncompiled.save_weights(tmp_path / "own.weights.h5")
    size = (saved / "model.weights.h5").stat().st_size
    assert size <= (tmp_path / "own.weights.h5").stat().st_size


def test_half_precision_halves_the_file_and_loads_everywhere(detector, saved, batch, tmp_path):
    folder = tmp_path / "half"
    detector.save_to_preset(folder, half_precision=True)
    loaded = RetinaNet.from_preset(folder)
    for one, other in zip(detector.weights, loaded.weights, strict=True):
        assert other.dtype == "float32"
        rounded = np.asarray(one).astype("float16").astype("float32")
        np.testing.assert_array_equal(np.asarray(other), rounded)
    with h5py.File(folder / "model.weights.h5") as file:
        types_found = set()
        file.visititems(lambda _, x: types_found.add(getattr(x, "dtype", None)))
    assert types_found == {None, np.dtype("float16")}
    detector.weights[0].assign(detector.weights[0] + 1e6)
    try:
        with pytest.raises(PresetError, match="has values beyond float16"):
            detector.save_to_preset(tmp_path / "large", half_precision=True)
    finally:
        detector.weights[0].assign(detector.weights[0] - 1e6)
    assert not (tmp_path / "large").exists()


def test_a_preset_is_replaced_and_anything_else_left_alone(small_eff_spinenet, tmp_path):
    backbone = small_eff_spinenet()
    folder = tmp_path / "mine"
    backbone.save_to_preset(folder, title="first")
    backbone.save_to_preset(folder, title="second")
    assert read_preset(folder).title == "second"
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(PresetError, match="mine: holds notes.txt, which is no part of a preset"):
        backbone.save_to_preset(folder, title="third")
    assert read_preset(folder).title == "second"
    assert (folder / "notes.txt").read_text() == "mine"
    with pytest.raises(PresetError, match="no part of a preset"):
        backbone.save_to_preset(folder / "notes.txt")
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]


def test_saving_that_fails_leaves_the_preset_that_was_there(
    small_eff_spinenet, tmp_path, monkeypatch
):
    backbone = small_eff_spinenet()
    backbone.save_to_preset(tmp_path / "mine", title="first")

    def full(self, file, **arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keras.Model, "save_weights", full)
    with pytest.raises(OSError, match="No space left"):
        backbone.save_to_preset(tmp_path / "mine", title="second")
    assert read_preset(tmp_path / "mine").title == "first"
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]


def test_what_was_frozen_in_training_learns_again(tiny_detector, tmp_path, batch):
    model = tiny_detector(seed=2)
    model.get_layer("level3").trainable = False
    assert "frozen_layers" in model.get_config()
    model.save_to_preset(tmp_path / "mine")
    loaded = RetinaNet.from_preset(tmp_path / "mine")
    assert loaded.get_layer("level3").trainable
    assert_same_outputs(model, loaded, batch[0])


def test_class_names_must_fit_the_model(detector, tmp_path):
    with pytest.raises(PresetError, match="2 class names were given for a model of 3 classes"):
        detector.save_to_preset(tmp_path / "mine", class_names=["a", "b"])


def test_arguments_that_nobody_takes_are_refused(eff_spinenet, saved):
    for make, near in (
        (lambda **extra: RetinaNet.from_preset(str(saved), **extra), "num_clases"),
        (lambda **extra: EffSpineNetBackbone.from_preset(str(saved), **extra), "betass"),
        (lambda **extra: RetinaNet(eff_spinenet.backbone, 2, "xyxy", **extra), "head_layer"),
        (lambda **extra: ImageClassifier(eff_spinenet.backbone, 2, **extra), "dropout"),
        (lambda **extra: SemanticSegmenter(eff_spinenet.backbone, 2, **extra), "head_layer"),
    ):
        with pytest.raises(TypeError, match=f"has no argument '{near}'; did you mean "):
            make(**{near: 5})
    with pytest.raises(TypeError, match="it has backbone, num_classes, .*, name, trainable"):
        ImageClassifier(eff_spinenet.backbone, 2, zzz=1)


def test_other_weights_than_were_written_are_refused(copy):
    data = bytearray((copy / "model.weights.h5").read_bytes())
    data[len(data) // 2] ^= 1
    (copy / "model.weights.h5").write_bytes(data)
    with pytest.raises(PresetError, match="is not the file that the preset was written with"):
        RetinaNet.from_preset(copy)


@pytest.mark.parametrize("kept", [0, 4000])
def test_half_a_file_without_a_checksum_is_refused_too(copy, kept):
    data = (copy / "model.weights.h5").read_bytes()
    (copy / "model.weights.h5").write_bytes(data[:kept])
    change(copy / "metadata.json", weights_sha256=None)
    with pytest.raises(PresetError, match=r"model\.weights\.h5: cannot be loaded"):
        RetinaNet.from_preset(copy)


def test_weights_of_another_shape_are_named_with_layer_and_both_shapes(copy):
    config = json.loads((copy / "config.json").read_text())
    config["config"]["num_classes"] = 4
    (copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(PresetError) as raised:
        RetinaNet.from_preset(copy)
    message = str(raised.value)
    assert "classification_head_prediction/pointwise_kernel" in message
    assert "(1, 1, 8, 27) in the file and (1, 1, 8, 36) in the model" in message


def test_a_later_format_is_refused(copy):
    change(copy / "metadata.json", format=registry.FORMAT + 1)
    with pytest.raises(PresetError, match="has format 2.*reads up to 1. Install a newer one"):
        RetinaNet.from_preset(copy)


def test_a_class_of_another_kind_is_refused(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    config = {**keras.saving.serialize_keras_object(model), "weights": None}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(PresetError, match="holds a Sequential, which has no backbone for a Retina"):
        RetinaNet.from_preset(tmp_path, num_classes=3, bounding_box_format="xywh")
    with pytest.raises(PresetError, match="holds a Sequential, which is no EffSpineNetBackbone"):
        EffSpineNetBackbone.from_preset(tmp_path)


FOREIGN = {"module": "evil", "class_name": "Shell", "config": {}, "registered_name": "Shell"}


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (FOREIGN, "names the class evil.Shell, which is neither of keras, "),
        ({**FOREIGN, "module": "os.path"}, "names the class os.path.Shell"),
        ({**FOREIGN, "module": "kerasevil"}, "names the class kerasevil.Shell"),
        ({**FOREIGN, "module": "builtins", "class_name": "__lambda__"}, "which is code"),
        ({**FOREIGN, "module": "keras.layers", "class_name": "Lambda"}, "which is code"),
        ({**FOREIGN, "module": "keras_effspine.models.later"}, "does not have"),
        ({**FOREIGN, "module": "keras.layers"}, "does not describe a RetinaNet"),
        ([[FOREIGN]], "names the class evil.Shell"),
    ],
)
def test_code_and_unknown_classes_are_refused(copy, head, message, tmp_path, monkeypatch):
    (tmp_path / "evil.py").write_text("raise SystemExit('was imported')")
    (tmp_path / "kerasevil.py").write_text("raise SystemExit('was imported')")
    monkeypatch.syspath_prepend(tmp_path)
    config = json.loads((copy / "config.json").read_text())
    config["config"]["classification_head"] = head
    (copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(PresetError, match=message):
        RetinaNet.from_preset(copy)


@pytest.mark.parametrize("name", ["../model.weights.h5", "/etc/x.weights.h5", "a/../../b.h5"])
def test_weights_outside_of_the_folder_are_refused(copy, name):
    shutil.copy(copy / "model.weights.h5", copy.parent / "model.weights.h5")
    change(copy / "config.json", weights=name)
    with pytest.raises(PresetError, match="leads out of the preset's folder"):
        RetinaNet.from_preset(copy)


@pytest.mark.parametrize("name", ["config.json", "metadata.json", "model.weights.h5"])
def test_a_link_out_of_the_folder_is_refused(copy, name):
    os.rename(copy / name, copy.parent / name)
    os.symlink(copy.parent / name, copy / name)
    with pytest.raises(PresetError, match=f"'{name}' leads out of the preset's folder"):
        RetinaNet.from_preset(copy)


def test_pickles_are_refused(copy):
    os.rename(copy / "model.weights.h5", copy / "weights.pkl")
    change(copy / "config.json", weights="weights.pkl")
    with pytest.raises(PresetError, match="loaded from \\*.weights.h5 files alone"):
        RetinaNet.from_preset(copy)


def test_a_preset_without_weights_says_so_exactly_once():
    from_preset._say_that_weights_are_random.cache_clear()

    def said(**arguments):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            EffSpineNetBackbone.from_preset("m0", **arguments)
            EffSpineNetBackbone.from_preset("m0", **arguments)
        return [w for w in caught if "no trained weights" in str(w.message)]

    assert said(load_weights=False) == []
    (once,) = said()
    assert str(once.message).startswith("The preset 'm0' has no trained weights")
    assert once.filename == __file__
    assert said() == []


def test_hugging_face_repositories_are_loaded_through_their_cache(saved, tmp_path, monkeypatch):
    # As huggingface_hub lays it out: snapshots are links to blobs.
    root = tmp_path / "models--me--pets"
    snapshot = root / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (root / "blobs").mkdir()
    for file in saved.iterdir():
        shutil.copy(file, root / "blobs" / file.name)
        os.symlink(f"../../blobs/{file.name}", snapshot / file.name)
    asked = []

    def snapshot_download(repository, revision, allow_patterns):
        asked.append((repository, revision))
        return str(snapshot)

    hub = types.SimpleNamespace(snapshot_download=snapshot_download)
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    assert RetinaNet.from_preset("hf://me/pets@v1").num_classes == 3
    RetinaNet.from_preset("hf://me/pets", load_weights=False)
    assert asked == [("me/pets", "v1"), ("me/pets", None)]

    (snapshot / "metadata.json").unlink()
    shutil.copy(saved / "metadata.json", tmp_path)
    os.symlink(tmp_path / "metadata.json", snapshot / "metadata.json")
    with pytest.raises(PresetError, match="leads out of the preset's folder"):
        RetinaNet.from_preset("hf://me/pets")

    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(PresetError, match=r"install it with pip install 'keras-effspine\[hub\]'"):
        RetinaNet.from_preset("hf://me/pets")


@pytest.mark.parametrize("handle", ["kaggle://me/pets/keras/small", "gs://me/pets"])
def test_the_handles_of_keras_cv_are_loaded_through_it(saved, monkeypatch, handle):
    asked = []

    def get_file(preset, path):
        asked.append(path)
        assert preset == handle
        return str(saved / path)

    monkeypatch.setattr(preset_handle, "get_file", get_file)
    assert RetinaNet.from_preset(handle).num_classes == 3
    assert asked == ["config.json", "model.weights.h5", "metadata.json"]

    def offline(preset, path):
        raise ConnectionError("no network")

    monkeypatch.setattr(preset_handle, "get_file", offline)
    with pytest.raises(PresetError, match=f"{handle}: cannot be downloaded .no network"):
        RetinaNet.from_preset(handle)


@pytest.fixture
def own_backbone_preset(eff_spinenet, tmp_path, monkeypatch):
    """A backbone with weights in half precision, as if the package brought it as `m_pets`."""
    for folder in registry._ROOT.glob("*/config.json"):
        shutil.copytree(folder.parent, tmp_path / folder.parent.name)
    eff_spinenet.backbone.save_to_preset(
        tmp_path / "m_pets",
        input_size=64,
        title="Small",
        trained={**TRAINED, "class_names": ["cat", "dog", "ü"]},
        half_precision=True,
    )
    monkeypatch.setattr(registry, "_ROOT", tmp_path)
    return "m_pets"


def test_a_backbone_of_the_package_with_weights_works_everywhere(
    own_backbone_preset, eff_spinenet, effspine
):
    from keras_effspine.tasks.detection import Detection
    from keras_effspine.tasks.starting_point import find_starting_point
    from keras_effspine.training.preset_values import resolve_preset
    from keras_effspine.training.recipe import Recipe

    expected = np.asarray(eff_spinenet.backbone.weights[0]).astype("float16").astype("float32")
    backbone = EffSpineNetBackbone.from_preset(own_backbone_preset)
    model = RetinaNet.from_preset(own_backbone_preset, num_classes=5, bounding_box_format="xyxy")
    recipe = resolve_preset(Recipe(preset=own_backbone_preset))
    trained = Detection().build_model(recipe, ("a",))
    transfer = find_starting_point(own_backbone_preset).hand_over(trained, ("a",))
    assert all("_head_" in layer.name for layer in transfer.anew)
    assert recipe.image_size == 64
    for found in (backbone, model, trained):
        np.testing.assert_array_equal(np.asarray(found.weights[0]), expected)
    assert own_backbone_preset in registry.keras_cv_presets("EffSpineNetBackbone", True)
    listing = effspine("presets").out
    assert "m_pets: trained on pets; AP 0.125 on other pets; licence CC0-1.0; sha256 " in listing
    for preset in list_presets().values():
        assert f" {preset.name} " in listing
    listed = json.loads(effspine("presets", "--json").out)
    (one,) = [preset for preset in listed if preset["name"] == "m_pets"]
    assert one["weights_sha256"] == list_presets()["m_pets"].weights_sha256
    assert one["trained"]["measured"] == {"AP": 0.125}
    wrong = effspine("predict", own_backbone_preset, "photo.jpg")
    assert wrong.status == 2
