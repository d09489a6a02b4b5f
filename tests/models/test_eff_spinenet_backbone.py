"""Eff-SpineNet as a keras-cv backbone."""

import inspect
import json

import keras
import numpy as np
import pytest
from keras_cv.src.utils.preset_utils import save_to_preset

from keras_effspine import EffSpineNetBackbone
from keras_effspine.pretrained.shipped import list_presets
from keras_effspine.topology.eff_spinenet import SPEC

pytestmark = pytest.mark.integration

SIZES = [(64, 64), (96, 128), (100, 75)]


@pytest.fixture(scope="module")
def backbone(small_eff_spinenet):
    return small_eff_spinenet()


def images(height, width, seed=0):
    return np.random.default_rng(seed).uniform(0, 255, (2, height, width, 3)).astype("float32")


def levels_model(backbone):
    layers = backbone.pyramid_level_inputs
    return keras.Model(
        backbone.input, {level: backbone.get_layer(name).output for level, name in layers.items()}
    )


def test_it_lists_its_presets_by_name():
    random = {"n0", "n1", "m0", "m1", "m2", "d0", "d1", "d2", "d3", "d4", "sp_efficientnet_b0"}
    trained = {"m0_cifar10", "m0_tiny_imagenet"}
    assert set(EffSpineNetBackbone.presets) == random | trained
    assert set(EffSpineNetBackbone.presets_with_weights) == trained
    assert set(EffSpineNetBackbone.presets_without_weights) == random


def test_a_preset_sets_the_arguments_and_keywords_override_them():
    backbone = EffSpineNetBackbone.from_preset(
        "m0", stochastic_depth_rate=0.2, input_shape=(64, 64, 3), name="mine"
    )
    assert backbone.width_multiplier == 0.4
    assert backbone.endpoint_width == 24
    assert backbone.stochastic_depth_rate == 0.2
    assert backbone.input_shape == (None, 64, 64, 3)
    assert backbone.output_shape == (None, 8, 8, 24)
    assert backbone.name == "mine"
    assert backbone.count_params() == list_presets()["m0"].parameters


def test_an_unknown_preset_is_refused_with_the_names_of_the_known():
    with pytest.raises(ValueError, match="'d9'. Known presets: n0, n1, m0, m0_cifar10, .*m1, .*d2"):
        EffSpineNetBackbone.from_preset("d9")


def test_weights_that_a_preset_does_not_have_are_not_invented():
    with pytest.raises(ValueError, match="does not include weights"):
        EffSpineNetBackbone.from_preset("m0", load_weights=True)


def test_a_preset_folder_brings_its_weights(backbone, tmp_path):
    save_to_preset(backbone, str(tmp_path / "mine"))
    loaded = EffSpineNetBackbone.from_preset(tmp_path / "mine")
    np.testing.assert_array_equal(loaded(images(64, 64)), backbone(images(64, 64)))


@pytest.mark.parametrize("size", SIZES)
def test_levels_have_their_strides_at_any_size(backbone, size):
    outputs = levels_model(backbone)(images(*size))
    assert list(backbone.pyramid_level_inputs) == ["P2", "P3", "P4", "P5", "P6", "P7"]
    for level, x in outputs.items():
        stride = 2 ** int(level[1])
        assert tuple(x.shape[1:3]) == tuple(-(-n // stride) for n in size)
        assert x.shape[-1] == 8


@pytest.mark.parametrize("size", SIZES)
def test_its_output_is_the_average_of_the_endpoints_at_p3(backbone, size):
    x = images(*size)
    rows, columns = (-(-n // 8) for n in size)
    levels = {level: np.asarray(v) for level, v in levels_model(backbone)(x).items()}
    upsampled = [
        levels[f"P{level}"].repeat(factor, 1).repeat(factor, 2)[:, :rows, :columns]
        for level, factor in ((3, 1), (4, 2), (5, 4), (6, 8), (7, 16))
    ]
    np.testing.assert_allclose(backbone(x), sum(upsampled) / 5, atol=1e-5)


def test_a_static_input_shape_gives_the_same_features(small_eff_spinenet, backbone):
    static = small_eff_spinenet(input_shape=(100, 75, 3))
    static.set_weights(backbone.get_weights())
    assert static.output_shape == (None, 13, 10, 8)
    x = images(100, 75)
    np.testing.assert_allclose(static(x), backbone(x), atol=1e-6)


def test_p2_is_block_4(backbone):
    assert backbone.pyramid_level_inputs["P2"].startswith("block04_")


def test_its_config_makes_the_same_backbone_and_is_plain_json(small_eff_spinenet):
    arguments = {
        "depth_multiplier": 1.5,
        "block_repeats": [1, 2, *[1] * 16],
        "betas": [5.0, *SPEC.betas[1:]],
        "use_space_to_depth": False,
        "weighted_fusion": False,
        "squeeze_excitation_ratio": None,
        "activation": "relu",
        "stochastic_depth_rate": 0.1,
        "batch_norm_momentum": 0.9,
        "batch_norm_epsilon": 1e-4,
        "include_rescaling": False,
        "input_shape": (64, 96, 3),
        "name": "mine",
        "trainable": False,
    }
    backbone = small_eff_spinenet(**arguments)
    config = json.loads(json.dumps(backbone.get_config()))
    assert {**config, **arguments, "input_shape": [64, 96, 3]} == config
    copy = EffSpineNetBackbone.from_config(config)
    assert copy.get_config() == backbone.get_config()
    assert [layer.name for layer in copy.layers] == [layer.name for layer in backbone.layers]
    assert copy.output_shape == (None, 8, 12, 8)


def test_the_default_distribution_survives_its_config(backbone):
    copy = EffSpineNetBackbone.from_config(json.loads(json.dumps(backbone.get_config())))
    assert copy.block_widths == backbone.block_widths


def test_exact_widths_replace_multiplier_and_betas():
    widths = tuple(range(4, 22))
    backbone = EffSpineNetBackbone(widths=widths, endpoint_width=8)
    assert backbone.block_widths == widths
    assert backbone.get_layer("block05_unit1_project_conv").filters == 8
    assert backbone.get_config()["widths"] == list(widths)


def test_a_saved_backbone_computes_the_same_bit_for_bit(backbone, tmp_path):
    backbone.save(tmp_path / "backbone.keras")
    loaded = keras.models.load_model(tmp_path / "backbone.keras")
    assert isinstance(loaded, EffSpineNetBackbone)
    assert loaded.pyramid_level_inputs == backbone.pyramid_level_inputs
    np.testing.assert_array_equal(loaded(images(96, 128)), backbone(images(96, 128)))


def test_rescaling_normalises_with_the_statistics_of_imagenet(backbone):
    rescaled = backbone.get_layer("rescaling")(np.array([[[[0.0, 127.5, 255.0]]]]))
    expected = (np.array([0.0, 0.5, 1.0]) - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(np.asarray(rescaled)[0, 0, 0], expected, rtol=1e-5)


def test_without_rescaling_the_picture_is_read_as_it_is(small_eff_spinenet, backbone):
    plain = small_eff_spinenet(include_rescaling=False)
    plain.set_weights(backbone.get_weights())
    x = images(64, 64)
    np.testing.assert_allclose(plain(backbone.get_layer("rescaling")(x)), backbone(x), atol=1e-5)


def test_without_rescaling_inputs_may_have_any_channels(small_eff_spinenet):
    backbone = small_eff_spinenet(include_rescaling=False, input_shape=(None, None, 5))
    assert backbone(np.zeros((1, 64, 64, 5))).shape == (1, 8, 8, 8)


def test_it_builds_on_a_given_input(small_eff_spinenet):
    inputs = keras.Input((64, 64, 3), name="given")
    backbone = small_eff_spinenet(input_tensor=inputs)
    assert backbone.inputs[0] is inputs
    assert backbone.output_shape == (None, 8, 8, 8)


def test_depth_repeats_blocks_uniformly_with_the_remainder_bottom_up(small_eff_spinenet):
    names = {layer.name for layer in small_eff_spinenet(depth_multiplier=1.3).layers}
    repeated = [n for n in range(1, 19) if f"block{n:02d}_unit2_add" in names]
    assert repeated == [1, 2, 5, 6, 7, 10, 12]  # as D1 and D2 in Table 2
    assert not any("unit3" in name for name in names)


def test_presets_hold_no_argument_that_the_backbone_does_not_know():
    of_any_model = {"name", "trainable", "dtype"}
    known = set(inspect.signature(EffSpineNetBackbone).parameters) | of_any_model
    for preset in list_presets("EffSpineNetBackbone").values():
        config = json.loads((preset.folder / "config.json").read_text())
        assert set(config["config"]) <= known, preset.name


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"width_multiplier": 0}, "multiplier must be positive"),
        ({"betas": [1, 2]}, "needs 18 positive betas"),
        ({"depth_multiplier": 0.5}, "depth multiplier must be at least 1"),
        ({"block_repeats": 0}, "`block_repeats` must be a positive int, or 18 of them"),
        ({"block_repeats": [1, 2]}, "`block_repeats` must be"),
        ({"block_repeats": [1.5] * 18}, "`block_repeats` must be"),
        ({"widths": [8] * 17}, "`widths` must be a positive int, or 18 of them"),
        ({"widths": [0] * 18}, "`widths` must be"),
        ({"widths": 5.5}, "`widths` must be"),
        ({"endpoint_width": 0}, "`endpoint_width` must be a positive int"),
        ({"endpoint_width": 8.5}, "`endpoint_width` must be a positive int"),
        ({"stochastic_depth_rate": 1.0}, r"`stochastic_depth_rate` must lie in \[0, 1\)"),
        ({"stochastic_depth_rate": -0.1}, "`stochastic_depth_rate` must lie"),
        ({"squeeze_excitation_ratio": 0}, "`squeeze_excitation_ratio` must be positive"),
        ({"activation": "nope"}, "nope"),
        ({"input_shape": (64, 64, 1)}, "Rescaling knows RGB only"),
        ({"input_shape": (3,)}, r"`input_shape` must be \(height, width, channels\)"),
        ({"input_tensor": keras.Input((64, 64, 1))}, "Rescaling knows RGB only"),
        ({"input_tensor": np.zeros((1, 64, 64, 3))}, "`input_tensor` must be a Keras tensor"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_bad_argument_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        EffSpineNetBackbone(**{"width_multiplier": 0.1, **arguments})


def test_under_mixed_precision_it_computes_in_bfloat16(small_eff_spinenet):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        backbone = small_eff_spinenet()
    finally:
        keras.config.set_dtype_policy("float32")
    assert backbone(images(64, 64)).dtype == "bfloat16"
    assert {v.dtype for v in backbone.trainable_variables} == {"float32"}


def test_the_pyramid_has_the_levels_that_are_asked_for(small_eff_spinenet):
    backbone = small_eff_spinenet()
    maps = backbone.pyramid()(images(128, 128))
    assert {level: x.shape[1] for level, x in maps.items()} == {
        "P3": 16,
        "P4": 8,
        "P5": 4,
        "P6": 2,
        "P7": 1,
    }
    lowest = backbone.pyramid(["P2", "P3"])
    np.testing.assert_array_equal(lowest(images(128, 128))["P3"], maps["P3"])
    with pytest.raises(ValueError, match="The levels are P2, .* Received: levels=.*P8"):
        backbone.pyramid(["P3", "P8"])


def test_the_early_form_is_one_variant():
    early = EffSpineNetBackbone(variant="2020_04", width_multiplier=0.2, endpoint_width=8)
    names = {layer.name for layer in early.layers}
    assert not [name for name in names if name.startswith("block03_from")]
    assert {"stem_pad", "block07_from06_space_to_depth_bn"} <= names
    down = early.get_layer("block17_from07_down1_depthwise")
    assert (down.kernel_size, down.strides) == ((5, 5), (4, 4))
    assert not [v for v in early.variables if v.name == "fusion_weights"]
    copy = EffSpineNetBackbone.from_config(json.loads(json.dumps(early.get_config())))
    assert copy.get_config() == early.get_config()
    assert [w.shape for w in copy.weights] == [w.shape for w in early.weights]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"variant": "2021"}, "`variant` must be one of 2020_04, or None"),
        ({"variant": "2020_04", "betas": [1] * 18}, "`variant` has its own widths, without betas"),
    ],
)
def test_a_variant_that_is_not_there_or_has_betas_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        EffSpineNetBackbone(**arguments)
