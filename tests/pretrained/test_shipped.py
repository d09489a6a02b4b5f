"""The presets that the package brings, read without Keras."""

import hashlib
import subprocess
import sys

import pytest

from keras_effspine.pretrained.shipped import keras_cv_presets, list_presets

pytestmark = pytest.mark.integration

# Table 2 of arXiv:2010.11426.
INPUT_SIZES = {
    "n0": 192,  # ours
    "n1": 192,  # ours
    "m0": 256,
    "m0_cifar10": 256,
    "m0_tiny_imagenet": 256,
    "m1": 384,
    "m2": 384,
    "d0": 512,
    "sp_efficientnet_b0": 512,
    "d1": 640,
    "d2": 768,
    "d3": 896,  # ours
    "d4": 1024,  # ours
}
SPINENETS = {
    "spinenet_mobile_49xs": 256,
    "spinenet_mobile_49": 384,
    "spinenet_mobile_49s": 384,
    "spinenet_49": 640,
    "spinenet_49s": 640,
    "spinenet_96": 1024,
    "spinenet_143": 1280,
    "spinenet_190": 1280,
}


def test_backbones_are_listed_by_rising_input_size():
    presets = list_presets("EffSpineNetBackbone")
    assert {name: p.input_size for name, p in presets.items()} == INPUT_SIZES
    assert list(presets) == list(INPUT_SIZES)
    spinenets = list_presets("SpineNetBackbone")
    assert [(name, p.input_size) for name, p in spinenets.items()] == list(SPINENETS.items())


def test_a_preset_may_say_how_a_model_on_it_was_published():
    arguments = {name: p.model_arguments for name, p in list_presets("SpineNetBackbone").items()}
    assert arguments["spinenet_190"] == {"RetinaNet": {"head_layers": 7, "separable_heads": False}}
    assert arguments["spinenet_mobile_49s"] == {"RetinaNet": {"head_layers": 4}}
    assert list_presets()["d0"].model_arguments == {}


def test_presets_say_whether_they_have_weights():
    presets = list_presets()
    trained = {"m0_cifar10", "m0_tiny_imagenet", "m1_bccd"}
    assert {name for name, p in presets.items() if p.weights} == trained
    for preset in presets.values():
        assert (preset.weights is None) == (preset.trained is None)
        assert preset.weights is None or (preset.folder / preset.weights).is_file()


def test_presets_can_be_listed_for_one_class():
    assert list(list_presets("EffSpineNetBackbone")) == list(INPUT_SIZES)
    assert list(list_presets("RetinaNet")) == ["m1_bccd"]
    trained = ["m0_cifar10", "m0_tiny_imagenet"]
    assert list(keras_cv_presets("EffSpineNetBackbone", with_weights=True)) == trained
    assert list(keras_cv_presets("RetinaNet", with_weights=True)) == ["m1_bccd"]


def test_keras_cv_gets_the_absolute_path_of_a_folder():
    for name, preset in keras_cv_presets("EffSpineNetBackbone").items():
        folder = list_presets()[name].folder
        assert preset["kaggle_handle"] == str(folder)
        assert folder.is_absolute() and (folder / "config.json").is_file()
        assert preset["metadata"]["input_size"] == INPUT_SIZES[name]


def test_listing_presets_imports_neither_tensorflow_nor_keras():
    code = (
        "import sys; from keras_effspine.pretrained.shipped import list_presets; list_presets();"
        "assert not {'tensorflow', 'keras', 'keras_cv'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_importing_every_model_reads_each_file_of_the_presets_once():
    code = (
        "import collections, pathlib\n"
        "read, plain = collections.Counter(), pathlib.Path.read_text\n"
        "def counted(path, *arguments, **options):\n"
        "    read[path.parent.parent.name, path.parent.name, path.name] += 1\n"
        "    return plain(path, *arguments, **options)\n"
        "pathlib.Path.read_text = counted\n"
        "import keras_effspine\n"
        "for name in keras_effspine.__all__: getattr(keras_effspine, name)\n"
        "from keras_effspine.pretrained.shipped import list_presets\n"
        "names = list(list_presets()) + list(list_presets('RetinaNet'))\n"
        "of_presets = {key: count for key, count in read.items() if key[0] == 'presets'}\n"
        "assert len(of_presets) == 2 * len(set(names)), of_presets\n"
        "assert set(of_presets.values()) == {1}, of_presets\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-2000:]


def test_presets_say_what_they_need_to():
    for name, preset in list_presets().items():
        assert preset.format == 1 and preset.parameters > 0, name
        assert preset.preprocessing["channels"] == "RGB"
        assert (preset.weights is None) == (preset.weights_sha256 is None)
        if preset.weights:
            found = hashlib.sha256((preset.folder / preset.weights).read_bytes()).hexdigest()
            assert preset.weights_sha256 == found
            assert {"data", "measured", "measured_on", "licence"} <= set(preset.trained)
    described = keras_cv_presets("RetinaNet")["m1_bccd"]["metadata"]
    assert described["description"].endswith("trained on BCCD, train and val.")
    assert described["params"] == list_presets()["m1_bccd"].parameters
