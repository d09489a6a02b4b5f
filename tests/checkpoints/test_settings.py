"""What a checkpoint's weights do not say."""

import pathlib

import pytest

from keras_effspine.checkpoints.settings import find_parameters, resolve_settings
from keras_effspine.errors import CheckpointError
from keras_effspine.pretrained.shipped import list_presets

TF1 = """
anchor: {anchor_size: 4.0, aspect_ratios: [0.5, 2.0, 1.0], num_scales: 3}
batch_norm_activation: {activation: relu, batch_norm_epsilon: 0.002, batch_norm_momentum: 0.9}
retinanet_parser: {output_size: [512, 512]}
"""
TF2 = """
task:
  model:
    anchor: {anchor_size: 4, aspect_ratios: [2.0, 1.0, 0.5], num_scales: 3}
    detection_generator: {box_coder_weights: [10, 10, 5, 5]}
    input_size: [256, 256, 3]
    norm_activation: {activation: hard_swish, norm_epsilon: 0.0001, norm_momentum: 0.97}
"""


def resolve(text=None, variant=None, preset=None, folder=None, **given):
    file = None
    if text is not None:
        file = folder / "params.yaml"
        file.write_text(text)
    known = list_presets()[preset] if preset else None
    return resolve_settings("ckpt", variant, file, known, given)


def test_the_file_of_either_code_is_understood(tmp_path):
    found = resolve(TF1, "tf1", folder=tmp_path)
    assert (found.activation, found.epsilon, found.momentum) == ("relu", 0.002, 0.9)
    assert (found.anchor_size, found.aspect_ratios) == (4.0, (0.5, 2.0, 1.0))
    assert (found.image_size, found.box_weights) == (512, (1.0, 1.0, 1.0, 1.0))
    found = resolve(TF2, folder=tmp_path)
    assert (found.activation, found.epsilon, found.momentum) == ("hard_swish", 1e-4, 0.97)
    assert (found.anchor_size, found.aspect_ratios) == (4.0, (2.0, 1.0, 0.5))
    assert (found.image_size, found.box_weights) == (256, (10.0, 10.0, 5.0, 5.0))


def test_what_is_given_goes_before_the_file(tmp_path):
    given = {"activation": "swish", "epsilon": 0.5, "anchor_size": 2.0, "image_size": 128}
    found = resolve(TF2, folder=tmp_path, **given)
    assert {name: getattr(found, name) for name in given} == given


def test_without_a_file_the_published_values_are_taken():
    found = resolve(variant="tf1", preset="spinenet_49", activation="relu")
    assert (found.epsilon, found.anchor_size, found.image_size) == (1e-4, 3.0, 640)
    assert found.aspect_ratios == (1.0, 2.0, 0.5)
    found = resolve(preset="spinenet_190", activation="swish")
    assert (found.epsilon, found.anchor_size, found.image_size) == (1e-3, 4.0, 1280)
    assert found.aspect_ratios == (0.5, 1.0, 2.0)


@pytest.mark.parametrize(
    ("text", "given", "message"),
    [
        (None, {"image_size": 64}, "does not say its activation, .*--activation relu, swish"),
        (None, {"activation": "relu"}, r"the input size is .*\(--image-size\)"),
        (None, {"activation": "gelu", "image_size": 64}, "the activation is 'gelu'; converted are"),
        ("task: [", {}, "params.yaml: cannot be read as parameters"),
        ("3", {}, "does not say its activation"),
        (TF2.replace("[2.0, 1.0, 0.5]", "[3.0, 1.0, 0.5]"), {}, "anchors have the ratios"),
        (TF2.replace("[2.0, 1.0, 0.5]", "2.0"), {}, "aspect_ratios is 2.0, which is no list"),
        (TF2.replace("num_scales: 3", "num_scales: 2"), {}, "and 2 scales; converted are"),
        (TF2.replace("[256, 256, 3]", "[256, 128, 3]"), {}, r"the input size is \[256, 128\]"),
        (TF2.replace("0.0001", "tiny"), {}, "epsilon is 'tiny', which is no positive number"),
        (TF2.replace("[10, 10, 5, 5]", "[10, 10]"), {}, "box_coder_weights must be four"),
    ],
)
def test_what_is_not_known_or_not_converted_is_named(text, given, message, tmp_path):
    with pytest.raises(CheckpointError, match=message):
        resolve(text, folder=tmp_path, **given)


def test_the_file_beside_the_checkpoint_is_found(tmp_path):
    prefix = tmp_path / "ckpt-1"
    assert find_parameters(prefix, None) is None
    (tmp_path / "params.yaml").write_text(TF1)
    assert find_parameters(prefix, None) == tmp_path / "params.yaml"
    with pytest.raises(CheckpointError, match="other.yaml: no such file"):
        find_parameters(prefix, pathlib.Path("other.yaml"))
