"""One door for names: what each stands for, and that nothing else than that is loaded."""

import json
import os
import pathlib
import shutil
import sys
import types

import keras
import numpy as np
import pytest

from keras_effspine import EffSpineNetBackbone, RetinaNet
from keras_effspine.errors import PresetError, UnknownPresetError
from keras_effspine.pretrained import handle, shipped
from keras_effspine.pretrained.find_pretrained import find_pretrained
from keras_effspine.pretrained.find_trained import find_trained
from keras_effspine.pretrained.preset import FORMAT
from keras_effspine.pretrained.shipped import list_presets
from keras_effspine.tasks.detection import Detection
from keras_effspine.training.preset_values import resolve_paths, resolve_preset
from keras_effspine.training.recipe import Recipe

pytestmark = pytest.mark.integration


@pytest.fixture
def copy(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "copy")


def change(file, **values):
    content = json.loads(file.read_text())
    file.write_text(json.dumps({**content, **values}))


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


def test_a_preset_without_weights_says_so_when_they_are_to_be_loaded(copy):
    change(copy / "config.json", weights=None)
    with pytest.raises(PresetError, match="brings no weights to load"):
        find_pretrained(copy).read_model()


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
    change(copy / "metadata.json", format=FORMAT + 1)
    with pytest.raises(PresetError, match="has format 2.*reads up to 1. Install a newer one"):
        RetinaNet.from_preset(copy)


def test_a_class_of_another_kind_is_refused(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    config = {**keras.saving.serialize_keras_object(model), "weights": None}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(PresetError, match="holds a Sequential, which has no backbone for a Retina"):
        RetinaNet.from_preset(tmp_path, num_classes=3, bounding_box_format="xywh")
    with pytest.raises(PresetError, match="holds a Sequential, which has no EffSpineNetBackbone"):
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


@pytest.mark.parametrize("name", ["kaggle://me/pets/keras/small", "gs://me/pets"])
def test_the_handles_of_keras_cv_are_loaded_through_it(saved, monkeypatch, name):
    asked = []

    def get_file(preset, path):
        asked.append(path)
        assert preset == name
        return str(saved / path)

    monkeypatch.setattr(handle, "get_file", get_file)
    assert RetinaNet.from_preset(name).num_classes == 3
    assert asked == ["config.json", "model.weights.h5", "metadata.json"]

    def offline(preset, path):
        raise ConnectionError("no network")

    monkeypatch.setattr(handle, "get_file", offline)
    with pytest.raises(PresetError, match=f"{name}: cannot be downloaded .no network"):
        RetinaNet.from_preset(name)


@pytest.fixture
def run(detector, tiny_detector, tmp_path):
    """A run folder whose best model is the detector, and whose last another."""
    folder = tmp_path / "run"
    folder.mkdir()
    detector.save(folder / "best.keras")
    tiny_detector(seed=5).save(folder / "model.keras")
    recipe = {"task": "detection", "image_size": 64, "batch_size": 2}
    content = {"recipe": recipe, "class_names": ["cat", "dog", "ü"]}
    (folder / "run.json").write_text(json.dumps(content))
    return folder


def assert_same_weights(one, other):
    for a, b in zip(one.weights, other.weights, strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


def test_a_run_and_a_saved_model_are_presets_too(run, detector, tiny_detector):
    found = find_pretrained(run)
    assert (found.name, found.task, found.image_size) == (f"{run} (best.keras)", "detection", 64)
    assert found.class_names == ("cat", "dog", "ü") and found.run == run
    assert_same_weights(RetinaNet.from_preset(run), detector)
    assert_same_weights(find_pretrained(run, last=True).read_model(), tiny_detector(seed=5))
    file = find_pretrained(run / "best.keras")
    assert (file.run, file.class_names, file.predicts) == (None, None, False)
    assert_same_weights(file.read_model(), detector)
    assert not file.read_model().compiled


def test_a_broken_run_is_named(run):
    with open(run / "best.keras", "r+b") as file:
        file.truncate(2000)
    with pytest.raises(PresetError, match="best.keras: cannot be read as the model of a run"):
        find_pretrained(run)
    (run / "run.json").write_text(json.dumps({"recipe": {}}))
    with pytest.raises(PresetError, match="run.json: was not written by a run"):
        find_pretrained(run, last=True)


def test_a_name_of_the_package_goes_before_a_folder_of_that_name(saved, run, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(saved, "m0")
    shutil.copytree(run, "m1_bccd")
    assert find_pretrained("m0").config["class_name"] == "EffSpineNetBackbone"
    assert find_trained("m1_bccd").class_names == ("WBC", "RBC", "Platelets")
    for path in ("./m0", str(tmp_path / "m0"), pathlib.Path("m0")):
        assert find_pretrained(path).class_names == ("cat", "dog", "ü")
    assert find_trained("./m1_bccd").name == "./m1_bccd (best.keras)"
    assert resolve_paths(Recipe(preset="m0")).preset == "m0"
    assert resolve_paths(Recipe(preset="./m0")).preset == str(tmp_path / "m0")


@pytest.mark.parametrize("name", ["m9", "./m0", "", ".", "ftp://host/file.zip", "no.keras"])
def test_a_name_that_stands_for_nothing_is_refused_with_those_that_do(name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        UnknownPresetError, match=r"Unknown preset .*Known presets: n0, n1, m0, .*\.keras"
    ):
        find_pretrained(name)


@pytest.fixture
def own_backbone_preset(eff_spinenet, trained, tmp_path, monkeypatch):
    """A backbone with weights in half precision, as if the package brought it as `m_pets`."""
    for folder in shipped._ROOT.glob("*/config.json"):
        shutil.copytree(folder.parent, tmp_path / folder.parent.name)
    eff_spinenet.backbone.save_to_preset(
        tmp_path / "m_pets",
        input_size=64,
        title="Small",
        trained={**trained, "class_names": ["cat", "dog", "ü"]},
        half_precision=True,
    )
    monkeypatch.setattr(shipped, "_ROOT", tmp_path)
    return "m_pets"


def test_a_backbone_of_the_package_with_weights_works_everywhere(
    own_backbone_preset, eff_spinenet, effspine
):
    expected = np.asarray(eff_spinenet.backbone.weights[0]).astype("float16").astype("float32")
    backbone = EffSpineNetBackbone.from_preset(own_backbone_preset)
    model = RetinaNet.from_preset(own_backbone_preset, num_classes=5, bounding_box_format="xyxy")
    recipe, start = resolve_preset(Recipe(preset=own_backbone_preset))
    trained = Detection().build_model(recipe, ("a",), start)
    transfer = start.hand_over(trained, ("a",))
    assert all("_head_" in layer.name for layer in transfer.anew)
    assert recipe.image_size == 64
    for found in (backbone, model, trained):
        np.testing.assert_array_equal(np.asarray(found.weights[0]), expected)
    assert own_backbone_preset in shipped.keras_cv_presets("EffSpineNetBackbone", True)
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
