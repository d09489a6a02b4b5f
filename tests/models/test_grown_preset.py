"""A preset of a larger network, grown on the command line."""

import json

import keras
import numpy as np
import pytest
from ladder import Ladder

from keras_effspine import ImageClassifier
from keras_effspine.pretrained.preset import read_preset

pytestmark = pytest.mark.integration

PLAIN = {"squeeze_excitation_ratio": None, "endpoint_width": 8}


@pytest.fixture(scope="module")
def presets(tmp_path_factory):
    """A folder with a trained preset, and architectures that it may grow into."""
    folder = tmp_path_factory.mktemp("presets")
    small = ImageClassifier(Ladder(widths=8, **PLAIN), 2, pooling="pyramid")
    trained = {"task": "classification"}
    small.save_to_preset(folder / "small", class_names=["cat", "dog"], trained=trained)
    small.backbone.save_to_preset(folder / "backbone")
    config = keras.saving.serialize_keras_object(small.backbone)
    sizes = {"large": {"widths": [8, *[16] * 5], "endpoint_width": 12}, "narrow": {"widths": 4}}
    for name, changes in sizes.items():
        (folder / name).mkdir()
        arguments = {**config["config"], "activation": "relu", **changes}
        large = {**config, "config": arguments, "weights": None}
        (folder / name / "config.json").write_text(json.dumps(large))
        (folder / name / "metadata.json").write_text('{"input_size": 96}')
    return folder


@pytest.fixture
def folder(presets, monkeypatch):
    monkeypatch.chdir(presets)
    return presets


def test_it_predicts_what_the_smaller_one_predicts(folder, effspine):
    said = effspine("presets", "grow", "small", "large", "--out", "grown")
    assert "the outputs are those of the smaller network" in said.out
    preset = read_preset("grown")
    assert preset.input_size == 96 and preset.trained["class_names"] == ["cat", "dog"]
    models = [ImageClassifier.from_preset(folder / name) for name in ("small", "grown")]
    assert models[1].backbone.activation == "swish", "what is no size stays the smaller one's"
    images = np.random.default_rng(0).uniform(0, 255, (2, 64, 64, 3))
    outputs = [model.predict(images, verbose=0) for model in models]
    np.testing.assert_allclose(*outputs, rtol=1e-4)


@pytest.mark.parametrize(
    ("small", "large", "message"),
    [
        ("large", "small", "large: brings no weights to grow"),
        ("backbone", "narrow", "backbone cannot grow into narrow: Each layer of narrow must be"),
        ("nowhere", "large", "Unknown preset"),
    ],
)
def test_what_cannot_grow_is_said_in_a_line(folder, effspine, small, large, message):
    said = effspine("presets", "grow", small, large, "--out", "other")
    assert said.status == 2 and message in said.err
    assert not (folder / "other").exists()


def test_presets_are_packed_into_an_archive_of_a_known_sum(folder, effspine):
    said = effspine("presets", "pack", "small", "backbone", "--out", "presets.zip")
    assert "presets.zip#sha256=" in said.out and (folder / "presets.zip").is_file()
