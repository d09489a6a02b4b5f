"""Preset folders: what is saved comes back bit by bit."""

import warnings

import h5py
import keras
import numpy as np
import pytest

import keras_effspine
from keras_effspine import EffSpineNetBackbone, ImageClassifier, RetinaNet, SemanticSegmenter
from keras_effspine.errors import PresetError
from keras_effspine.models import from_preset
from keras_effspine.pretrained.checksum import sha256_of
from keras_effspine.pretrained.preset import read_preset

pytestmark = pytest.mark.integration


def outputs(model, images):
    found = model(images)
    return found if isinstance(found, dict) else {"output": found}


def assert_same_outputs(one, other, images):
    one, other = outputs(one, images), outputs(other, images)
    assert set(one) == set(other)
    for name in one:
        np.testing.assert_array_equal(np.asarray(one[name]), np.asarray(other[name]))


def test_a_backbone_comes_back_bit_by_bit_and_from_a_tasks_preset(eff_spinenet, batch, tmp_path):
    eff_spinenet.backbone.save_to_preset(tmp_path / "backbone")
    eff_spinenet.save_to_preset(tmp_path / "detector")
    for name in ("backbone", "detector"):
        loaded = EffSpineNetBackbone.from_preset(str(tmp_path / name))
        assert_same_outputs(eff_spinenet.backbone, loaded, batch[0])


def test_the_folder_says_what_it_holds(detector, saved, trained):
    assert {f.name for f in saved.iterdir()} == {
        "README.md",
        "config.json",
        "metadata.json",
        "model.weights.h5",
    }
    preset = read_preset(saved)
    assert (preset.class_name, preset.input_size, preset.title) == ("RetinaNet", 64, "Pets")
    assert preset.trained == {**trained, "class_names": ["cat", "dog", "ü"]}
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
    kernel = detector.weights[0]
    before = keras.ops.convert_to_numpy(kernel)
    kernel.assign(before + 1e6)
    try:
        with pytest.raises(PresetError, match="has values beyond float16"):
            detector.save_to_preset(tmp_path / "large", half_precision=True)
    finally:
        kernel.assign(before)  # 1e6 taken away again would leave multiples of 1/16
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
